//! The checkout as the tests of `layers` and `docs` read it: files, manifests, and what a source file names.
//!
//! Names are read with `syn`: every path (with its `use` aliases resolved), identifier and string literal outside
//! comments, docs and test code, inside macros too.

use proc_macro2::{Span, TokenStream, TokenTree};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use syn::visit::{self, Visit};

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

pub fn read(relative: &str) -> String {
    std::fs::read_to_string(root().join(relative)).unwrap_or_else(|e| panic!("{relative}: {e}"))
}

/// Every file below `folder`, relative to the root with `/`, in order; build output and git's own are left out.
pub fn files(folder: &str) -> Vec<String> {
    let mut found: Vec<String> = walkdir::WalkDir::new(root().join(folder))
        .into_iter()
        .filter_entry(|entry| {
            let name = entry.file_name().to_string_lossy();
            name != ".git" && !(entry.depth() == 1 && name.starts_with("target"))
        })
        .map(Result::unwrap)
        .filter(|entry| entry.file_type().is_file())
        .map(|entry| relative(entry.path()))
        .collect();
    found.sort();
    found
}

fn relative(path: &Path) -> String {
    path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/")
}

/// Names in the dependency tables of a manifest, as code spells them; those for tests and benches only are left out.
pub fn dependencies(manifest: &str) -> Vec<String> {
    let mut wanted = false;
    let mut names = Vec::new();
    for line in manifest.lines().map(str::trim) {
        if let Some(section) = line.strip_prefix('[') {
            let section = section.trim_end_matches(']');
            wanted = section == "dependencies"
                || section == "build-dependencies"
                || (section.starts_with("target.") && section.ends_with(".dependencies"));
        } else if wanted && !line.is_empty() && !line.starts_with('#') {
            let name = line.split(['.', '=', ' ']).next().unwrap_or_default();
            names.push(name.replace('-', "_"));
        }
    }
    names
}

/// What a source file names, each with its line.
#[derive(Debug, Default)]
pub struct Named {
    /// Paths by segments, `use` aliases resolved; a glob ends with `*`.
    pub paths: Vec<(usize, Vec<String>)>,
    pub idents: Vec<(usize, String)>,
    pub strings: Vec<(usize, String)>,
    /// First segments of what `pub use` gives on.
    pub given_on: Vec<(usize, String)>,
    /// Modules that exist for tests only.
    pub test_modules: Vec<String>,
}

/// Reads a source file; its test code is left out.
pub fn named(source: &str) -> syn::Result<Named> {
    let file = syn::parse_file(source)?;
    let mut reader = Reader::default();
    if !for_tests(&file.attrs) {
        reader.visit_file(&file);
    }
    let Reader { mut named, aliases } = reader;
    for (_, path) in &mut named.paths {
        resolve(path, &aliases);
    }
    Ok(named)
}

/// Every Rust file below src that is not for tests, benches or examples, with what it names.
pub fn sources() -> Vec<(String, Named)> {
    let rust: Vec<String> = files("src").into_iter().filter(|f| f.ends_with(".rs")).collect();
    let mut read: Vec<(String, Named)> = rust
        .into_iter()
        .filter(|f| {
            !f.split('/')
                .any(|part| ["tests", "tests.rs", "benches", "examples"].contains(&part))
        })
        .map(|f| {
            let named = named(&self::read(&f)).unwrap_or_else(|e| panic!("{f}: {e}"));
            (f, named)
        })
        .collect();
    let for_tests: Vec<PathBuf> = read
        .iter()
        .flat_map(|(file, named)| named.test_modules.iter().map(|m| module_file(file, m)))
        .collect();
    read.retain(|(file, _)| !for_tests.contains(&PathBuf::from(file)));
    read
}

/// Where `mod name;` of `file` is found: `a/lib.rs` and `a/mod.rs` have it in `a/`, `a/b.rs` in `a/b/`.
fn module_file(file: &str, name: &str) -> PathBuf {
    let path = Path::new(file);
    let folder = match path.file_stem().and_then(|s| s.to_str()) {
        Some("lib" | "mod" | "main") => path.parent().unwrap().to_owned(),
        _ => path.with_extension(""),
    };
    folder.join(format!("{name}.rs"))
}

fn resolve(path: &mut Vec<String>, aliases: &HashMap<String, Vec<String>>) {
    // an alias of an alias: as deep as anybody goes, and no loop
    for _ in 0..4 {
        match aliases.get(&path[0]) {
            Some(full) if full[0] != path[0] => path.splice(..1, full.iter().cloned()),
            _ => break,
        };
    }
}

#[derive(Default)]
struct Reader {
    named: Named,
    aliases: HashMap<String, Vec<String>>,
}

fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|a| match &a.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.starts_with("all (test") || condition.starts_with("all(test")
        }
        meta => meta.path().is_ident("test"),
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(i) => &i.attrs,
        syn::Item::Enum(i) => &i.attrs,
        syn::Item::Fn(i) => &i.attrs,
        syn::Item::Impl(i) => &i.attrs,
        syn::Item::Macro(i) => &i.attrs,
        syn::Item::Mod(i) => &i.attrs,
        syn::Item::Static(i) => &i.attrs,
        syn::Item::Struct(i) => &i.attrs,
        syn::Item::Trait(i) => &i.attrs,
        syn::Item::Type(i) => &i.attrs,
        syn::Item::Use(i) => &i.attrs,
        _ => &[],
    }
}

impl Reader {
    fn ident(&mut self, ident: &proc_macro2::Ident) {
        self.named.idents.push((ident.span().start().line, ident.to_string()));
    }

    fn path(&mut self, span: Span, path: Vec<String>) {
        self.named.paths.push((span.start().line, path));
    }

    fn tree(&mut self, span: Span, tree: &syn::UseTree, before: &[String], public: bool) {
        let with = |name: &syn::Ident| [before, &[name.to_string()]].concat();
        let (path, alias) = match tree {
            syn::UseTree::Path(p) => return self.tree(span, &p.tree, &with(&p.ident), public),
            syn::UseTree::Group(g) => return g.items.iter().for_each(|t| self.tree(span, t, before, public)),
            syn::UseTree::Glob(_) => ([before, &["*".to_owned()]].concat(), None),
            syn::UseTree::Name(n) if n.ident == "self" => (before.to_vec(), before.last().cloned()),
            syn::UseTree::Name(n) => (with(&n.ident), Some(n.ident.to_string())),
            syn::UseTree::Rename(r) if r.ident == "self" => (before.to_vec(), Some(r.rename.to_string())),
            syn::UseTree::Rename(r) => (with(&r.ident), Some(r.rename.to_string())),
        };
        if public {
            self.named.given_on.push((span.start().line, path[0].clone()));
        }
        if let Some(alias) = alias {
            self.aliases.insert(alias, path.clone());
        }
        self.path(span, path);
    }

    /// Inside a macro there are only tokens: `a::b` is a path, the rest is read word by word.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path: Vec<String> = Vec::new();
        let mut colons = 0;
        for token in tokens {
            match &token {
                TokenTree::Ident(ident) => {
                    if colons != 2 {
                        path.clear();
                    }
                    path.push(ident.to_string());
                    colons = 0;
                    self.ident(ident);
                    if path.len() > 1 {
                        self.path(ident.span(), path.clone());
                    }
                }
                TokenTree::Punct(p) if p.as_char() == ':' => colons += 1,
                other => {
                    path.clear();
                    colons = 0;
                    match other {
                        TokenTree::Group(group) => self.tokens(group.stream()),
                        TokenTree::Literal(literal) => {
                            self.named
                                .strings
                                .push((literal.span().start().line, literal.to_string()));
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}

impl<'a> Visit<'a> for Reader {
    fn visit_item(&mut self, item: &'a syn::Item) {
        if !for_tests(attributes(item)) {
            return visit::visit_item(self, item);
        }
        if let syn::Item::Mod(module) = item {
            self.named.test_modules.push(module.ident.to_string());
        }
    }

    fn visit_impl_item_fn(&mut self, function: &'a syn::ImplItemFn) {
        if !for_tests(&function.attrs) {
            visit::visit_impl_item_fn(self, function);
        }
    }

    fn visit_item_use(&mut self, item: &'a syn::ItemUse) {
        let public = matches!(item.vis, syn::Visibility::Public(_));
        self.tree(item.use_token.span, &item.tree, &[], public);
        visit::visit_item_use(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'a syn::ItemExternCrate) {
        self.path(item.ident.span(), vec![item.ident.to_string()]);
        if let Some((_, alias)) = &item.rename {
            self.aliases.insert(alias.to_string(), vec![item.ident.to_string()]);
        }
    }

    fn visit_path(&mut self, path: &'a syn::Path) {
        // a single name is something local, or was brought in by a `use` that is read itself
        if path.segments.len() > 1 {
            let segments = path.segments.iter().map(|s| s.ident.to_string()).collect();
            self.path(path.segments[0].ident.span(), segments);
        }
        visit::visit_path(self, path);
    }

    fn visit_ident(&mut self, ident: &'a syn::Ident) {
        self.ident(ident);
    }

    fn visit_lit_str(&mut self, literal: &'a syn::LitStr) {
        self.named.strings.push((literal.span().start().line, literal.value()));
    }

    fn visit_macro(&mut self, call: &'a syn::Macro) {
        self.visit_path(&call.path);
        self.tokens(call.tokens.clone());
    }

    fn visit_attribute(&mut self, attribute: &'a syn::Attribute) {
        if let (false, syn::Meta::List(list)) = (attribute.path().is_ident("doc"), &attribute.meta) {
            self.tokens(list.tokens.clone());
        }
    }
}
