//! What only the operating system knows or does: cores, CPU time, processes, the machine's name.
//! Linux tells all of it; what another system does not tell is missing from the table.

use rustix::process::{Pid, Signal, kill_process};
use std::fs;
use std::process::Command;
use std::time::{Duration, SystemTime};

/// Where the proxy runs, and where the visitors and the application do.
pub const PROXY_CORE: usize = 0;
pub const LOAD_CORE: usize = 1;

/// Moves this thread, and what it will start, to one core. False where that cannot be done.
#[cfg(target_os = "linux")]
pub fn pin(core: usize) -> bool {
    let mut set = rustix::thread::CpuSet::new();
    set.set(core);
    rustix::thread::sched_setaffinity(None, &set).is_ok()
}

#[cfg(not(target_os = "linux"))]
pub fn pin(_core: usize) -> bool {
    false
}

/// CPU time of a process since its start, user and system, all its threads (proc(5), fields 14
/// and 15 of `stat`, in ticks).
pub fn cpu_time(process: u32) -> Option<Duration> {
    let fields = stat(process)?;
    let ticks: u64 = fields.get(11)?.parse::<u64>().ok()? + fields.get(12)?.parse::<u64>().ok()?;
    Some(TICK * u32::try_from(ticks).ok()?)
}

/// The processes that a process has started and that still run, with how they name themselves.
pub fn children(parent: u32) -> Vec<(u32, String)> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let processes = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let own = processes.filter(|process| {
        stat(*process).is_some_and(|fields| fields.get(1) == Some(&parent.to_string()))
    });
    own.map(|process| (process, command_line(process))).collect()
}

/// `kill -9`.
pub fn kill9(process: u32) {
    send(process, Signal::KILL);
}

/// Asks it to end.
pub fn terminate(process: u32) {
    send(process, Signal::TERM);
}

fn send(process: u32, signal: Signal) {
    let process = i32::try_from(process).ok().and_then(Pid::from_raw);
    // Gone already, otherwise.
    let _ = process.map(|process| kill_process(process, signal));
}

pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// `Intel(R) Xeon(R) Processor, 2 cores, Linux 6.1.0`
pub fn machine() -> String {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let of_many = if cores == 1 { "" } else { "s" };
    let info = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = info.lines().find_map(|line| line.strip_prefix("model name")?.split(':').nth(1));
    let model = model.map_or(std::env::consts::ARCH, str::trim);
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    format!("{model}, {cores} core{of_many}, {} {}", std::env::consts::OS, kernel.trim())
}

/// How many processes wanted a core on average in the last minute.
pub fn load_average() -> Option<f64> {
    fs::read_to_string("/proc/loadavg").ok()?.split(' ').next()?.parse().ok()
}

/// The first line a program prints when asked for its version, to stdout or stderr; none when
/// there is no such program.
pub fn version(program: &str, argument: &str) -> Option<String> {
    let output = Command::new(program).arg(argument).output().ok()?;
    let said = [output.stdout, output.stderr].concat();
    String::from_utf8_lossy(&said).lines().next().map(str::to_owned)
}

/// Today in UTC, as `2021-10-31`.
pub fn today() -> String {
    // "Sun, 31 Oct 2021 08:49:37 GMT"
    let now = httpdate::fmt_http_date(SystemTime::now());
    let mut words = now.split(' ').skip(1);
    let (day, month, year) = (words.next(), words.next(), words.next());
    let month = MONTHS.iter().position(|name| Some(*name) == month).map_or(0, |at| at + 1);
    format!("{}-{month:02}-{}", year.unwrap_or_default(), day.unwrap_or_default())
}

/// The fields of a process's `stat` from the third on: what comes before is a name that may hold
/// anything.
fn stat(process: u32) -> Option<Vec<String>> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat")).ok()?;
    let (_, fields) = stat.rsplit_once(") ")?;
    Some(fields.split(' ').map(str::to_owned).collect())
}

fn command_line(process: u32) -> String {
    fs::read_to_string(format!("/proc/{process}/cmdline")).unwrap_or_default()
}

/// Linux shows CPU time to programs in hundredths of a second (USER_HZ), whatever the kernel's own
/// tick is.
const TICK: Duration = Duration::from_millis(10);
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
