//! Real clients: what they get through RETTER is what they get from the application itself, byte by
//! byte and header by header, but for what belongs to one hop and what RETTER says of itself.

use crate::support::origin::{Answer, Origin, Seen, answer, ok, pattern};
use crate::support::retter::{Retter, Setup};
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// Name in lower case and value, in order.
type Lines = Vec<(String, String)>;

/// What a client made of an answer.
#[derive(Debug, PartialEq)]
struct Got {
    status: String,
    lines: Lines,
    body: Vec<u8>,
}

#[test]
fn curl_gets_what_the_application_says() {
    if !is_there("curl") {
        return eprintln!("skipped: there is no curl on this machine");
    }
    compare(&|folder, base, visit| {
        let (head, body) = (folder.join("head"), folder.join("body"));
        let mut command = Command::new("curl");
        // -q: no settings of whoever runs this; nor a proxy of his.
        command.args(["-q", "--silent", "--show-error", "--noproxy", "*", "--max-time", "20"]);
        command.args(visit.curl).arg("--dump-header").arg(&head).arg("--output").arg(&body);
        run(command.arg(format!("{base}{}", visit.target)));
        // Asked for a head alone, curl writes it where the body would be.
        let body =
            if visit.method == "HEAD" { Vec::new() } else { fs::read(&body).unwrap_or_default() };
        got(&fs::read_to_string(&head).expect("a head"), body)
    });
}

#[test]
fn python_gets_what_the_application_says() {
    if !is_there("python3") {
        return eprintln!("skipped: there is no Python on this machine");
    }
    compare(&|folder, base, visit| {
        told_to(Command::new("python3").args(["-I", "-c", PYTHON]), folder, base, visit)
    });
}

#[test]
fn node_gets_what_the_application_says() {
    if !is_there("node") {
        return eprintln!("skipped: there is no Node on this machine");
    }
    compare(&|folder, base, visit| {
        told_to(Command::new("node").args(["-e", NODE, "--"]), folder, base, visit)
    });
}

/// By a program that takes these words, and writes head and body into files.
fn told_to(program: &mut Command, folder: &Path, base: &str, visit: &Visit) -> Got {
    let (head, body) = (folder.join("head"), folder.join("body"));
    program.args([base.trim_start_matches("http://"), visit.target, visit.method, visit.body]);
    run(program.arg(&head).arg(&body));
    got(&fs::read_to_string(&head).expect("a head"), fs::read(&body).unwrap_or_default())
}

/// One request, as each client is told to make it.
struct Visit {
    method: &'static str,
    target: &'static str,
    body: &'static str,
    curl: &'static [&'static str],
}

const VISITS: [Visit; 9] = [
    Visit { method: "GET", target: "/page?q=%2f&a=b", body: "", curl: &[] },
    Visit { method: "GET", target: "/chunks", body: "", curl: &[] },
    Visit { method: "GET", target: "/until-the-end", body: "", curl: &[] },
    Visit {
        method: "GET",
        target: "/large",
        body: "",
        curl: &["-H", "Accept-Encoding: gzip, zstd"],
    },
    Visit { method: "GET", target: "/nothing", body: "", curl: &[] },
    Visit { method: "GET", target: "/elsewhere", body: "", curl: &[] },
    Visit { method: "GET", target: "/broken", body: "", curl: &[] },
    Visit { method: "HEAD", target: "/page", body: "", curl: &["--head"] },
    Visit { method: "POST", target: "/form", body: "a=1&b=2", curl: &["--data", "a=1&b=2"] },
];

fn application() -> Origin {
    let page = |body: &[u8]| -> Answer {
        let page = ok(body).header("ETag", "\"a\"").header("Cache-Control", "max-age=5, private");
        let page = page.header("Set-Cookie", "a=1; Path=/").header("Set-Cookie", "b=2");
        page.header("Last-Modified", "Fri, 31 Dec 1999 23:59:59 GMT")
            .header("X-Powered-By", "PHP/8")
            .header("Date", "Fri, 31 Dec 1999 23:59:59 GMT")
            .header("X-Odd", "\u{fc} \"a, b\" ; c")
            .header("Vary", "Accept-Language")
            .header("Link", "</a.css>; rel=preload")
            .header("Keep-Alive", "timeout=5")
            .header("X-Hop", "1")
            .header("Connection", "X-Hop")
            .header("Server", "weak/1.0")
            .header("Via", "1.1 inner")
            .header("Age", "7")
    };
    let text = "<p>lorem ipsum</p>".repeat(500);
    Origin::new()
        .route("/page", page(text.as_bytes()))
        .route("/chunks", page(text.as_bytes()).chunked())
        .route("/until-the-end", page(text.as_bytes()).close_delimited())
        .route("/large", page(&pattern(0, 3_000_000)).typed("application/octet-stream"))
        .route("/nothing", answer(204, ""))
        .route("/elsewhere", answer(302, "").header("Location", "http://shop.example/x?y#z"))
        .route("/broken", answer(500, "the application's own"))
        .route("/form", page(b"thanks"))
}

/// Makes every visit twice, to the application and to RETTER before it.
fn compare(make: &dyn Fn(&Path, &str, &Visit) -> Got) {
    let origin = application();
    let setup = Setup::before(&origin).without_breaker().set("COMPRESS_MODE", "off");
    let retter = setup.start();
    for visit in &VISITS {
        let (direct, asked) = ask(&origin, visit, &origin.url(), make);
        let (through, passed) = ask(&origin, visit, &front(&retter), make);
        let name = format!("{} {}", visit.method, visit.target);
        assert_eq!(direct.status, through.status, "{name}");
        assert!(direct.body == through.body, "{name}: another body");
        let (mut said, added) = (end_to_end(&direct.lines), end_to_end(&through.lines));
        // RFC 9110 section 8.6: a 204 has no length, whatever this application says.
        said.retain(|(name, _)| name != "content-length" || !direct.status.starts_with("204"));
        assert_eq!(without(&added, &said, &ANSWERS), said, "{name}: another answer");
        let (said, added) = (end_to_end(&lines(&asked)), end_to_end(&lines(&passed)));
        assert_eq!(without(&added, &said, &REQUESTS), said, "{name}: another request");
        assert_eq!(first_line(&asked), first_line(&passed), "{name}");
        assert_eq!((&asked.body, asked.whole), (&passed.body, passed.whole), "{name}");
    }
}

fn ask(
    origin: &Origin,
    visit: &Visit,
    base: &str,
    make: &dyn Fn(&Path, &str, &Visit) -> Got,
) -> (Got, Seen) {
    let folder: TempDir = tempfile::tempdir().expect("a folder");
    let before = origin.seen().len();
    let got = make(folder.path(), base, visit);
    let seen = origin.seen();
    assert_eq!(seen.len(), before + 1, "{}: it is asked once", visit.target);
    (got, seen[before].clone())
}

/// The port differs, and so does what a client says in `Host`: that is the one thing left out.
fn end_to_end(lines: &Lines) -> Lines {
    let hop = ["connection", "keep-alive", "transfer-encoding", "x-hop", "host"];
    lines.iter().filter(|(name, _)| !hop.contains(&name.as_str())).cloned().collect()
}

/// `lines` without those RETTER may add that were not `said` anyway. Names in another order are the
/// same, the lines of one name are not.
fn without(lines: &Lines, said: &Lines, ours: &[&str]) -> Lines {
    let is_added = |name: &str| ours.contains(&name) && !said.iter().any(|(it, _)| it == name);
    let mut by_name: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, value) in lines.iter().filter(|(name, _)| !is_added(name)) {
        by_name.entry(name).or_default().push(value);
    }
    let names = said.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>();
    let extra = by_name.keys().filter(|name| !names.contains(name)).copied().collect::<Vec<_>>();
    let order = names.iter().copied().chain(extra);
    let mut sorted = Lines::new();
    for name in order {
        if let Some(values) = by_name.remove(name) {
            sorted.extend(values.into_iter().map(|value| (name.to_owned(), value.to_owned())));
        }
    }
    sorted
}

/// What RETTER adds to an answer: where it came from, and the `Date` that one without must get (RFC
/// 9110 section 6.6.1).
const ANSWERS: [&str; 3] = ["x-retter", "x-circuit", "date"];
/// And to a request: who asks, and which way it took.
const REQUESTS: [&str; 5] =
    ["x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via"];

fn got(head: &str, body: Vec<u8>) -> Got {
    let mut lines = head.lines().filter(|line| !line.is_empty());
    let status = lines.next().expect("a status").trim_start_matches("HTTP/1.1 ").to_owned();
    Got { status, lines: lines.filter_map(line).collect(), body }
}

fn lines(seen: &Seen) -> Lines {
    seen.lines().iter().filter_map(|it| line(it)).collect()
}

fn line(line: &str) -> Option<(String, String)> {
    let (name, value) = line.split_once(':')?;
    Some((name.to_ascii_lowercase(), value.trim().to_owned()))
}

fn first_line(seen: &Seen) -> (String, String) {
    (seen.method(), seen.target())
}

fn front(retter: &Retter) -> String {
    format!("http://{}", retter.address())
}

fn is_there(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

fn run(command: &mut Command) {
    let output = command.output().expect("it is there");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success(), "{command:?}: {said}");
}

const PYTHON: &str = r#"
import http.client, sys
address, target, method, body, head, page = sys.argv[1:]
connection = http.client.HTTPConnection(address, timeout=20)
fields = {"User-Agent": "python"}
if body:
    fields["Content-Type"] = "application/x-www-form-urlencoded"
connection.request(method, target, body or None, fields)
answer = connection.getresponse()
with open(page, "wb") as file:
    file.write(answer.read())
with open(head, "w") as file:
    file.write("%d %s\n" % (answer.status, answer.reason))
    for name, value in answer.getheaders():
        file.write("%s: %s\n" % (name, value))
"#;

const NODE: &str = r#"
const http = require("http"), fs = require("fs");
const [address, target, method, body, head, page] = process.argv.slice(1);
const at = address.lastIndexOf(":");
const headers = { "User-Agent": "node" };
if (body) {
    headers["Content-Type"] = "application/x-www-form-urlencoded";
    headers["Content-Length"] = body.length;
}
const where = { host: address.slice(0, at), port: address.slice(at + 1), agent: false, timeout: 20000 };
const request = http.request({ ...where, path: target, method, headers }, (answer) => {
    const pieces = [];
    answer.on("data", (piece) => pieces.push(piece));
    answer.on("end", () => {
        fs.writeFileSync(page, Buffer.concat(pieces));
        const lines = [answer.statusCode + " " + answer.statusMessage];
        for (let i = 0; i < answer.rawHeaders.length; i += 2) {
            lines.push(answer.rawHeaders[i] + ": " + answer.rawHeaders[i + 1]);
        }
        fs.writeFileSync(head, lines.join("\n") + "\n");
    });
});
request.on("timeout", () => request.destroy(new Error("no answer")));
request.end(body || undefined);
"#;
