//! Whether a network's file says nothing of its lengths that cannot be so.
//!
//! A reader that believes the length of a damaged message asks for more memory than there is, and that ends the program: no error, no unwinding.

use super::proto::field;

/// How deep graphs may lie in attributes of graphs, and types in types: no network needs more than a few, and each takes stack.
const DEEPEST: usize = 64;

/// The messages that hold others, by ONNX's names.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Graph,
    Node,
    Attribute,
    Tensor,
    ValueInfo,
    Type,
    TensorType,
    SequenceType,
    Shape,
    /// One that holds none.
    Plain,
}

impl Kind {
    /// What a field holds, if that is a message.
    fn held(self, field: u64) -> Option<Kind> {
        Some(match (self, field) {
            (Kind::Model, 7) | (Kind::Attribute, 6) => Kind::Graph,
            (Kind::Graph, 1) => Kind::Node,
            (Kind::Node, 5) => Kind::Attribute,
            (Kind::Graph | Kind::Attribute, 5) => Kind::Tensor,
            (Kind::Graph, 11..=13) => Kind::ValueInfo,
            (Kind::ValueInfo, 2) | (Kind::SequenceType, 1) => Kind::Type,
            (Kind::Type, 1) => Kind::TensorType,
            (Kind::Type, 4) => Kind::SequenceType,
            (Kind::TensorType, 2) => Kind::Shape,
            (Kind::Model, 8 | 14) | (Kind::Tensor, 13) | (Kind::Shape, 1) => Kind::Plain,
            _ => return None,
        })
    }
}

/// Whether every message and every value of an ONNX file ends within what holds it.
pub fn is_sound(file: &[u8]) -> bool {
    is_whole(Kind::Model, file, DEEPEST)
}

fn is_whole(kind: Kind, mut rest: &[u8], deeper: usize) -> bool {
    while !rest.is_empty() {
        let Some((number, value)) = field(&mut rest) else {
            return false;
        };
        let Some((held, value)) = kind.held(number).zip(value) else {
            continue;
        };
        if deeper == 0 || !is_whole(held, value, deeper - 1) {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::super::proto::Message;
    use super::*;
    use crate::model::checkpoint::Tensor;
    use crate::model::graph::{Graph, Laid};

    fn network() -> Vec<u8> {
        let (mut graph, input) = Graph::new("n", 1);
        let ones = Tensor {
            shape: vec![1, 1, 3, 3],
            data: vec![1.0; 9],
        };
        let sums = graph.conv(&input, &ones, None, Laid::same(&ones, 1));
        graph.finish(&sums, &[("architecture", "unet")])
    }

    #[test]
    fn networks_are_sound_and_what_claims_more_than_there_is_is_not() {
        let file = network();
        assert!(is_sound(&file));
        // within its last part, the note
        assert!((1..20).all(|cut| !is_sound(&file[..file.len() - cut])));
        // an attribute's text that is longer than the attribute, within a file that is long enough
        let long = [0x22, 0xff, 0xff, 0xff, 0x7f];
        let node = Message::default().bytes(5, &long);
        let damaged = Message::default().message(7, Message::default().message(1, node));
        assert!(!is_sound(&damaged.into_bytes()));
    }

    #[test]
    fn graphs_in_graphs_without_end_are_refused() {
        let within = |graph: Message| {
            let attribute = Message::default().message(6, graph);
            Message::default().message(1, Message::default().message(5, attribute))
        };
        let nested = |n: usize| {
            let graph = (0..n).fold(Message::default(), |graph, _| within(graph));
            Message::default().message(7, graph).into_bytes()
        };
        assert!(is_sound(&nested(5)) && !is_sound(&nested(200)));
    }
}
