//! The verbs that look at the whole file.

use super::*;
use crate::{key, policy};
use serde_json::json as object_of;

fn printed<T>(print: impl FnOnce(&mut Vec<u8>) -> Result<T, InspectError>) -> (T, String) {
    let mut printed = Vec::new();
    let done = print(&mut printed).unwrap();
    (done, String::from_utf8(printed).unwrap())
}

fn stats_of(path: &Path, format: Format, now: UnixMillis) -> String {
    printed(|out| stats(path, format, now, &mut Progress::none(), out)).1
}

fn object(text: &str) -> Value {
    assert_eq!(text.lines().count(), 1, "{text}");
    serde_json::from_str(text).unwrap()
}

/// Eleven pages of everybody's at one host, each older and larger than the one before, and a
/// person's at another.
async fn several() -> (tempfile::TempDir, PathBuf) {
    let mut pages: Vec<_> = (0..11)
        .map(|number| {
            let mut headers = HeaderMap::new();
            headers.insert("content-type", HeaderValue::from_static("image/png"));
            let body = vec![7; 1_000 + number as usize];
            let stored_at = UnixMillis(NOW.0 - number * 1_000);
            let copy =
                Copy { headers, body: body.into(), stored_at, why: Why::Anonymous, ..page() };
            (key(&format!("/{number}"), Identity::Anonymous), copy)
        })
        .collect();
    let person = Identity::Person(Person { tag: [0xab; 16], seal: [1; 32] });
    let mut own = key("/own", person);
    own.place = Place { host: "other.test".into(), ..(*own.place).clone() }.into();
    let moved = StatusCode::MOVED_PERMANENTLY;
    let copy = Copy { status: moved, body: "".into(), why: Why::Identity, ..page() };
    pages.push((own, copy));
    file_with(pages).await
}

#[tokio::test]
async fn figures_add_up() {
    let (_folder, path) = several().await;
    let said = object(&stats_of(&path, Format::Json, UnixMillis(NOW.0 + 60_000)));
    let bytes = 11_000 + 55;
    for (name, figure) in [
        ("kind", "stats".into()),
        ("file_bytes", std::fs::metadata(&path).unwrap().len().into()),
        ("copies", 12.into()),
        ("bytes", bytes.into()),
        ("sealed", 1.into()),
        ("sealed_share", 0.083.into()),
        ("expired", 0.into()),
        ("unreadable", 0.into()),
        ("breakers_not_closed", object_of!([])),
    ] {
        assert_eq!(said[name], figure as Value, "{name}");
    }
    let ages = &said["age_seconds"];
    let ages = ["youngest", "median", "oldest"].map(|name| ages[name].as_u64().unwrap());
    assert_eq!(ages, [60, 64, 70]);
    let shop = object_of!(
        {"name": "shop.test", "copies": 11, "bytes": bytes, "stored_bytes": bytes});
    assert_eq!((&said["hosts"][0], &said["hosts"][1]["copies"]), (&shop, &1.into()));
    let names = |list: &str| [0, 1].map(|at| said[list][at]["name"].clone());
    assert_eq!(names("statuses"), [Value::from(200), 301.into()]);
    assert_eq!(names("whys"), ["anonymous", "identity"]);
    for list in ["biggest", "oldest"] {
        let list = said[list].as_array().unwrap();
        assert_eq!((list.len(), &list[0]["path"]), (10, &"/10".into()));
        assert_eq!(list[0]["kind"], "copy");
    }
}

#[tokio::test]
async fn figures_for_people_say_the_same() {
    let (_folder, path) = several().await;
    let text = stats_of(&path, Format::Text, UnixMillis(NOW.0 + 8 * 86_400_000));
    for line in [
        "copies\t12",
        "sealed\t1 (8.3 %)",
        "expired\t12",
        "unreadable\t0 copies, 0 breakers",
        "anonymous\t11\t11055/11055",
        "200\t11\t11055/11055",
        "shop.test\t11\t11055/11055",
    ] {
        assert!(text.lines().any(|said| said == line), "{line} in\n{text}");
    }
    assert!(text.contains("\nages\tyoungest 8d, median "), "{text}");
    assert!(text.contains("\nbiggest\nhttp://shop.test/10?q=1\t"), "{text}");
}

#[tokio::test]
async fn an_empty_file_has_figures_too() {
    let (_folder, path) = file_with(vec![]).await;
    let said = object(&stats_of(&path, Format::Json, NOW));
    assert_eq!((&said["copies"], &said["age_seconds"]), (&0.into(), &Value::Null));
    assert_eq!((&said["sealed_share"], &said["hosts"]), (&0.0.into(), &object_of!([])));
    assert!(stats_of(&path, Format::Text, NOW).contains("copies\t0\n"));
}

fn audited(path: &Path, rules: &Rules, format: Format) -> (bool, Vec<String>) {
    let (kept, text) = printed(|out| audit(path, rules, format, NOW, out));
    let mut lines: Vec<_> = text.lines().map(str::to_owned).collect();
    lines.sort();
    (kept, lines)
}

#[tokio::test]
async fn an_audit_tells_what_may_stay_from_what_may_not() {
    let (_folder, path) = several().await;
    let (all_kept, lines) = audited(&path, &Rules::default(), Format::Text);
    assert_eq!((all_kept, lines.len()), (true, 12), "{lines:?}");
    let own = lines.iter().find(|line| line.contains("other.test")).unwrap();
    assert!(own.starts_with("kept\tidentity\thttp://other.test/own?q=1\tabab"), "{own}");
    let policy = policy::Settings { statuses: vec![200], ..Default::default() };
    let rules = Rules { policy, key: key::Settings::default() };
    let (all_kept, lines) = audited(&path, &rules, Format::Text);
    let refused: Vec<_> = lines.iter().filter(|line| line.starts_with("refused: ")).collect();
    assert_eq!((all_kept, refused.len(), lines.len()), (false, 1, 12));
    assert!(refused[0].starts_with("refused: status\tidentity\thttp://other.test/own"));
    let (_, lines) = audited(&path, &rules, Format::Json);
    for object in lines.iter().map(|line| object(line)) {
        let own = object["host"] == "other.test";
        assert_eq!(object["refused"], if own { "status".into() } else { Value::Null });
    }
}

#[tokio::test]
async fn an_audit_sees_what_has_changed_in_the_rules_of_addresses() {
    let (_folder, path) = several().await;
    let key = key::Settings { query_secret: vec!["q".into()], ..Default::default() };
    let rules = Rules { key, policy: policy::Settings::default() };
    let (all_kept, lines) = audited(&path, &rules, Format::Text);
    assert!(!all_kept);
    assert!(lines.iter().all(|line| line.starts_with("refused: secret-parameter\t")), "{lines:?}");
}

#[tokio::test]
async fn a_persons_copy_kept_as_everybodys_may_not_stay() {
    let (_folder, path) = file().await;
    let (all_kept, lines) = audited(&path, &Rules::default(), Format::Text);
    assert!(!all_kept);
    assert!(lines[1].starts_with("refused: owner\tpublic\thttp://shop.test/b?q=1\t"), "{lines:?}");
}

fn verified(path: &Path, format: Format) -> (bool, String) {
    printed(|out| verify(path, format, &mut Progress::none(), out))
}

#[tokio::test]
async fn a_sound_file_is_one_line() {
    let (_folder, path) = several().await;
    let (sound, text) = verified(&path, Format::Text);
    assert!(sound && text.starts_with("sound\t12 copies with "), "{text}");
    assert!(text.ends_with("\t0 bodies of no copy (0 bytes)\tfigures compared\n"), "{text}");
    let said = object(&verified(&path, Format::Json).1);
    assert_eq!((&said["sound"], &said["damaged"]), (&true.into(), &0.into()));
    assert_eq!((&said["copies"], &said["figures_compared"]), (&12.into(), &true.into()));
}

#[tokio::test]
async fn damage_is_a_line_of_its_own_before_the_last() {
    let (_folder, path) = several().await;
    let mut bytes = std::fs::read(&path).unwrap();
    // The middle of a body: so many sevens are nothing else.
    let at = bytes.windows(900).position(|window| window == [7; 900]).unwrap();
    bytes[at + 500] ^= 1;
    std::fs::write(&path, bytes).unwrap();
    let (sound, text) = verified(&path, Format::Text);
    let lines: Vec<_> = text.lines().collect();
    assert!(!sound && lines.len() == 2, "{text}");
    assert!(lines[0].starts_with("damage\tcopy\t") && lines[0].ends_with("\tbody checksum"));
    assert!(lines[1].starts_with("1 damaged\t12 copies"), "{text}");
    let (_, text) = verified(&path, Format::Json);
    let damage = object(text.lines().next().unwrap());
    assert_eq!((&damage["kind"], &damage["part"]), (&"damage".into(), &"copy".into()));
    let id = damage["name"].as_str().unwrap();
    assert!(matches!(shown(&path, id, |_| {}), Err(InspectError::Damaged { .. })));
}

#[tokio::test]
async fn nobody_complains_that_nobody_reads() {
    let (_folder, path) = file().await;
    for format in [Format::Text, Format::Json] {
        assert!(stats(&path, format, NOW, &mut Progress::none(), &mut Closed).is_ok());
        assert!(verify(&path, format, &mut Progress::none(), &mut Closed).is_ok());
        assert!(audit(&path, &Rules::default(), format, NOW, &mut Closed).is_ok());
    }
    assert!(migrate(&path, &mut Closed).is_ok());
    assert!(compact(&path, &mut Progress::none(), &mut Closed).is_ok());
}

#[tokio::test]
async fn upkeep_says_what_it_has_done() {
    let (_folder, path) = several().await;
    let before = std::fs::metadata(&path).unwrap().len();
    let ((), text) = printed(|out| compact(&path, &mut Progress::none(), out));
    let after = std::fs::metadata(&path).unwrap().len();
    assert_eq!(text, format!("{}\t{before} bytes before, {after} after\n", path.display()));
    assert!(after < before, "{text}");
    let ((), text) = printed(|out| migrate(&path, out));
    let latest = crate::migrations::LATEST;
    assert_eq!(text, format!("{}\tversion {latest} already, nothing to do\n", path.display()));
}
