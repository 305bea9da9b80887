//! Patterns listed and drawn, and the instrument's hands from a script.

use super::*;

#[test]
fn every_pattern_is_listed_with_what_it_takes() {
    let place = Place::new();
    let table = place.run(&["pattern", "list", "--json"]).ended(0).json();
    let rows = table.as_array().unwrap();
    assert_eq!(rows.len(), 18);
    for row in rows {
        assert_eq!(keys(row), ["name", "doc", "registered", "fields", "default"]);
        for field in row["fields"].as_array().unwrap() {
            assert!(!field["doc"].as_str().unwrap().is_empty(), "{field}");
        }
    }
    let text = place.run(&["pattern", "list"]).ended(0).out;
    assert!(
        text.contains("Trench") && text.contains("lower_trench_height"),
        "{text}"
    );
}

#[test]
fn a_pattern_is_drawn_where_it_will_be_milled() {
    let place = Place::new();
    let draw = |more: &[&str]| {
        let args = [
            "pattern",
            "draw",
            "Rectangle",
            "width=30um",
            "height=10um",
            "x=20um",
            "--json",
            "-o",
            "p.png",
        ];
        place.run(&[&args, more].concat()).ended(0).json()
    };
    let told = draw(&[]);
    assert_eq!(keys(&told), ["file", "task", "beam", "hfw_m", "stages"]);
    assert_eq!(
        (&told["hfw_m"], &told["stages"][0]["shapes"]),
        (&Value::from(150e-6), &Value::from(1))
    );
    let picture = image::open(place.path("p.png")).unwrap().to_rgb8();
    assert_eq!(picture.dimensions(), (1536, 1024));
    let um = 1536.0 / 150.0;
    let ink = |x: f64, y: f64| {
        let at = |v: f64| v.round() as u32;
        let near = |dx: i32, dy: i32| {
            let [r, g, b] = picture
                .get_pixel(
                    (at(768.0 + x * um) as i32 + dx) as u32,
                    (at(512.0 - y * um) as i32 + dy) as u32,
                )
                .0;
            r != g || g != b
        };
        (-1..=1).any(|dx| (-1..=1).any(|dy| near(dx, dy)))
    };
    // its four edges, and neither its middle nor the field's
    for (x, y, drawn) in [
        (5.0, 2.0, true),
        (35.0, -2.0, true),
        (20.0, 5.0, true),
        (20.0, -5.0, true),
        (20.0, 0.0, false),
        (0.0, 0.0, false),
    ] {
        assert_eq!(ink(x, y), drawn, "{x}, {y}");
    }
    let again = draw(&["--hfw", "300um"]);
    assert_ne!(again["file"], told["file"], "never over an existing file");
}

#[test]
fn a_task_is_drawn_with_the_pictures_beside_its_file() {
    let place = Place::new();
    std::fs::create_dir_all(place.path("sub")).unwrap();
    let logo = image::RgbImage::from_fn(4, 4, |x, _| image::Rgb([0, 255, if x < 2 { 255 } else { 0 }]));
    logo.save(place.path("sub/logo.png")).unwrap();
    let task = "name: two\nfield_of_view: 80.0e-06\nchannel: ION\nstages:\n- name: rough\n  pattern: {name: Trench, width: 10.0e-06}\n  milling: {}\n- name: logo\n  pattern: {name: Bitmap, path: logo.png}\n  milling: {}\n";
    std::fs::write(place.path("sub/task.yaml"), task).unwrap();
    let told = place
        .run(&["pattern", "draw", "sub/task.yaml", "--json", "-o", "two.png"])
        .ended(0)
        .json();
    assert_eq!(told["stages"].as_array().unwrap().len(), 2);
    assert!(told["stages"][1]["volume_m3"].as_f64().unwrap() > 0.0, "{told}");
    // loaded, changed as a client changes it, and saved elsewhere: the picture is still found
    let script_of = |lines: &str| script(&place, lines, &[]).ended(0).json_lines();
    let plan = script_of("milling.load source=sub/task.yaml\n")[0]["result"].clone();
    let mut edited = plan["task"].clone();
    edited["stages"][1]["pattern"]["width"] = Value::from(5e-6);
    let lines =
        format!("milling.load task='{edited}'\nmilling.save path=sub/edited.yaml\nmilling.save path=other.yaml\n");
    let saved = script_of(&lines);
    assert_eq!(saved.len(), 3);
    let text = |name: &str| std::fs::read_to_string(place.path(name)).unwrap();
    let named = text("sub/edited.yaml");
    assert!(
        named.contains("logo.png") && !named.contains(&place.text("sub")),
        "{named}"
    );
    script_of("milling.load source=sub/edited.yaml\nmilling.load source=other.yaml\n");
}

#[test]
fn the_hands_are_scripted() {
    let place = Place::new();
    let lines = "milling.estimate\nmanipulator.insert\nmanipulator.move-corrected dx=5um dy=2um beam=ion\nmanipulator.go name=EUCENTRIC dz=20um confirmed=true\n\
        manipulator.list\nmanipulator.retract\ngis.state\nmilling.state\n";
    let lines = format!(
        "milling.load source='[{{\"name\": \"a\", \"milling\": {{}}, \"pattern\": {{\"name\": \"Rectangle\"}}}}]'\n{lines}"
    );
    let objects = script(&place, &lines, &[]).ended(0).json_lines();
    let result = |n: usize| &objects[n]["result"];
    assert_eq!(result(1)["stages"][0]["name"], "a");
    assert!(result(1)["total_s"].as_f64().unwrap() > 0.0);
    let at = |n: usize, axis: &str| result(n)["position"][axis].as_f64().unwrap();
    assert!((at(3, "x") - at(2, "x") - 5e-6).abs() < 1e-9);
    assert_eq!(result(5)["instrument"][0], "PARK");
    assert_eq!(result(6)["inserted"], false);
    assert_eq!(result(8)["state"], "IDLE");
}
