//! The promise, for every kind of visitor, whatever copies there are and whatever the operator set:
//! each case has an address of its own, and nobody is ever shown a page of somebody else.

use crate::support::client::{Answer, Visit, get};
use crate::support::origin::{self, Behaviour, Origin, Seen, computed, fail, ok};
use crate::support::retter::{Retter, Setup};
use crate::support::{SOON, until};

#[test]
fn as_it_comes() {
    check(&[], Rules { nostore: true, ..Rules::default() });
}

#[test]
fn with_nostore_in_memory() {
    check(&[("CACHE_NOSTORE", "memory")], Rules { nostore: true, ..Rules::default() });
}

#[test]
fn with_nostore_refused() {
    check(&[("CACHE_NOSTORE", "refuse")], Rules::default());
}

#[test]
fn with_every_path_declared_public() {
    check(&[("CACHE_PUBLIC", "/**")], Rules { nostore: true, declared: true, ..Rules::default() });
}

#[test]
fn by_the_letter_of_the_standard() {
    check(&[("CACHE_STRICT", "true")], Rules { strict: true, ..Rules::default() });
}

#[test]
fn by_the_letter_with_every_path_declared_public() {
    let settings = [("CACHE_STRICT", "true"), ("CACHE_PUBLIC", "/**")];
    check(&settings, Rules { strict: true, declared: true, ..Rules::default() });
}

/// What the settings allow.
#[derive(Clone, Copy, Default)]
struct Rules {
    /// Less is shown than these rules say; how much less has tests of its own.
    strict: bool,
    /// `no-store` answers are kept for persons.
    nostore: bool,
    /// All paths are the same for strangers.
    declared: bool,
}

/// How a visitor of this kind, `a` or `b`, asks for a page.
struct Kind {
    name: &'static str,
    ask: fn(path: &str, who: char) -> Visit,
    is_person: bool,
}

const KINDS: [Kind; 9] = [
    Kind { name: "anonymous", ask: |path, _| get(path), is_person: false },
    kind("harmless", |path, who| get(path).cookie(&format!("_ga=ga{who}")), false),
    kind("php", |path, who| get(path).cookie(&format!("PHPSESSID=php{who}")), true),
    kind("java", |path, who| get(path).cookie(&format!("JSESSIONID=java{who}")), true),
    kind("java-path", |path, who| get(&format!("{path};jsessionid=path{who}")), true),
    kind("ci", |path, who| get(path).cookie(&format!("theme=x; ci_session=ci{who}")), true),
    kind("bearer", |path, who| get(path).header("Authorization", &format!("Bearer t{who}")), true),
    kind("api-key", |path, who| get(path).header("X-Api-Key", &format!("key{who}")), true),
    kind("unknown", |path, who| get(path).cookie(&format!("shop_uid=uid{who}")), true),
];

const fn kind(name: &'static str, ask: fn(&str, char) -> Visit, is_person: bool) -> Kind {
    Kind { name, ask, is_person }
}

/// What the application says about its page.
const SAID: [&str; 4] = ["", "private", "no-store", "public"];

/// Who was there before the trouble.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Before {
    Nobody,
    Himself,
    /// Another one of his kind.
    Another,
    /// Somebody nothing is known of.
    Stranger,
}

struct Case {
    kind: &'static Kind,
    said: &'static str,
    before: Before,
    path: String,
}

fn check(settings: &[(&str, &str)], rules: Rules) {
    let origin = Origin::new().elsewhere(computed(page));
    let setup = Setup::before(&origin).without_breaker().set("LOG_FILTER", "info");
    let retter = settings.iter().fold(setup, |setup, (name, value)| setup.set(name, value)).start();
    let cases = cases();
    for case in &cases {
        case.visit_before(&retter);
    }
    assert!(until(SOON, || retter.figure(&["store", "queued"]) == 0.0), "{}", retter.log());
    let troubles: [fn(&Origin); 4] = [
        |origin| origin.set_all(fail(503)),
        |origin| origin.set_all(Behaviour::Reset),
        |origin| origin.set_all(ok("a page that breaks off").truncated(5)),
        Origin::down,
    ];
    for trouble in troubles {
        trouble(&origin);
        for case in &cases {
            case.look(&retter.visit(&case.visit('a')), rules);
        }
    }
}

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in &KINDS {
        for said in SAID {
            for before in [Before::Nobody, Before::Himself, Before::Another, Before::Stranger] {
                let path =
                    format!("/{}/{}", cases.len(), if said.is_empty() { "nothing" } else { said });
                cases.push(Case { kind, said, before, path });
            }
        }
    }
    cases
}

impl Case {
    fn visit(&self, who: char) -> Visit {
        (self.kind.ask)(&self.path, who)
    }

    fn visit_before(&self, retter: &Retter) {
        let visit = match self.before {
            Before::Nobody => return,
            Before::Himself => self.visit('a'),
            Before::Another => self.visit('b'),
            Before::Stranger => get(&self.path),
        };
        assert_eq!(retter.visit(&visit).status, 200, "{}", self.name());
    }

    fn look(&self, answer: &Answer, rules: Rules) {
        let shown = answer.text();
        let is_page = answer.status == 200 && answer.is_whole();
        let right = is_page == self.is_shown(rules) || (rules.strict && !is_page);
        assert!(right, "{}: {answer:?}", self.name());
        let own = page_of(self.kind, 'a');
        let strangers = self.before == Before::Stranger || !self.kind.is_person;
        let right = shown == own || (strangers && shown == STRANGERS);
        assert!(!is_page || right, "{} was shown {shown}", self.name());
        let others = page_of(self.kind, 'b');
        assert!(!self.kind.is_person || !shown.contains(&others), "{}: {shown}", self.name());
    }

    /// There is a page for him.
    fn is_shown(&self, rules: Rules) -> bool {
        let for_strangers = rules.declared || matches!(self.said, "" | "public");
        match (self.kind.is_person, self.before) {
            (_, Before::Nobody) | (true, Before::Another) => false,
            (false, _) => for_strangers,
            (true, Before::Himself) => self.said != "no-store" || rules.nostore,
            (true, Before::Stranger) => rules.declared || self.said == "public",
        }
    }

    fn name(&self) -> String {
        format!("{}, said {:?}, before {:?}", self.kind.name, self.said, self.before)
    }
}

/// A page that says whose it is.
fn page(seen: &Seen) -> origin::Answer {
    let brought = ["cookie", "authorization", "x-api-key"].map(|name| seen.header(name));
    let brought = brought.into_iter().flatten().collect::<Vec<_>>().join(" ") + &seen.target();
    let who = MARKS.iter().find_map(|mark| {
        let (_, after) = brought.split_once(mark)?;
        after.chars().next().map(|who| format!("the page of {mark}{who}"))
    });
    let said = SAID.into_iter().find(|said| !said.is_empty() && seen.target().contains(said));
    let page = ok(who.unwrap_or(STRANGERS.into()));
    said.map_or(page.clone(), |said| page.header("Cache-Control", said))
}

fn page_of(kind: &Kind, who: char) -> String {
    let mark = MARKS.iter().zip(&KINDS[2..]).find(|(_, own)| own.name == kind.name);
    mark.map_or(STRANGERS.into(), |(mark, _)| format!("the page of {mark}{who}"))
}

/// In the order of those of [`KINDS`] that are persons.
const MARKS: [&str; 7] = ["=php", "=java", "=path", "=ci", "Bearer t", "key", "=uid"];
const STRANGERS: &str = "the page of strangers";
