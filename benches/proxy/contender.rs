//! The proxies that are compared: how each is started in front of the application, stopped, and
//! asked what it has cost. Both run with what they come with, but for what a row is about.

use crate::{system, wire};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

#[derive(Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Name {
    Retter,
    Nginx,
}

/// A proxy with an address and a folder of its own. Killed when dropped.
pub struct Contender {
    pub name: Name,
    pub address: SocketAddr,
    folder: PathBuf,
    command: Command,
    child: Option<Child>,
}

/// What nginx does in a row; RETTER always does all it does.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Role {
    Pass,
    Cache,
}

impl Contender {
    /// RETTER with the defaults and these settings, on one worker thread.
    pub fn retter(
        program: &Path,
        folder: &Path,
        origin: SocketAddr,
        settings: &[(&str, &str)],
    ) -> io::Result<Self> {
        let address = free_address()?;
        let mut command = Command::new(program);
        command.env_clear();
        if let Some(file) = std::env::var_os(SEEN) {
            command.env(SEEN, file);
        }
        command.env("TOKIO_WORKER_THREADS", "1");
        command.env("RETTER_BACKEND_BASEURL", format!("http://{origin}"));
        command.env("RETTER_SERVER_LISTEN", address.to_string());
        command.envs(settings.iter().map(|(key, value)| (format!("RETTER_{key}"), value)));
        Self::with(Name::Retter, address, folder.join("retter"), command)
    }

    /// nginx with one worker, connections to the application kept, and no log of requests;
    /// `sendfile` and `tcp_nopush` are on as in the files its packages come with.
    pub fn nginx(folder: &Path, origin: SocketAddr, role: Role) -> io::Result<Self> {
        let (address, folder) = (free_address()?, folder.join("nginx"));
        fs::create_dir_all(&folder)?;
        let file = folder.join("nginx.conf");
        fs::write(&file, nginx_conf(address, origin, role))?;
        let mut command = Command::new(nginx_program().ok_or(io::ErrorKind::NotFound)?);
        command.arg("-p").arg(&folder).arg("-c").arg(&file);
        Self::with(Name::Nginx, address, folder, command)
    }

    fn with(
        name: Name,
        address: SocketAddr,
        folder: PathBuf,
        mut command: Command,
    ) -> io::Result<Self> {
        fs::create_dir_all(&folder)?;
        let log = fs::File::create(folder.join("stderr.log"))?;
        command.current_dir(&folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Ok(Self { name, address, folder, command, child: None })
    }

    /// Starts it on its core. Affinity is inherited, so nothing runs in between that would count
    /// as its start.
    pub fn start(&mut self) -> io::Result<()> {
        system::pin(system::PROXY_CORE);
        let child = self.command.spawn();
        system::pin(system::LOAD_CORE);
        self.child = Some(child?);
        Ok(())
    }

    /// Starts it and waits until it takes connections.
    pub fn start_and_wait(&mut self) -> io::Result<()> {
        self.start()?;
        until("it takes no connections", || TcpStream::connect(self.address).is_ok())
    }

    /// `kill -9` for it and all its processes; returns when nobody listens any more.
    pub fn kill9(&mut self) -> io::Result<()> {
        let Some(mut child) = self.child.take() else {
            return Ok(());
        };
        let workers = system::children(child.id());
        child.kill()?;
        child.wait()?;
        workers.iter().for_each(|(process, _)| system::kill9(*process));
        until("it still listens", || TcpStream::connect(self.address).is_err())
    }

    /// What it has counted it writes when it ends by itself.
    fn let_it_write_down(&mut self) {
        let Some(child) = &mut self.child else { return };
        system::terminate(child.id());
        let _ = until("it does not end", || !matches!(child.try_wait(), Ok(None)));
    }

    /// CPU time since its start of the process that handles requests; none where the system does
    /// not tell.
    pub fn cpu_time(&self) -> Option<Duration> {
        let process = self.child.as_ref()?.id();
        match self.name {
            Name::Retter => system::cpu_time(process),
            Name::Nginx => {
                let children = system::children(process);
                let worker = children.iter().find(|(_, name)| name.contains("worker process"));
                system::cpu_time(worker?.0)
            }
        }
    }

    /// The numbers of the pages RETTER's file holds, each with the bytes its copy takes there.
    pub fn copies(&self) -> io::Result<BTreeMap<u64, u64>> {
        let mut dump = Command::new(env!("CARGO_BIN_EXE_retter-db"));
        let dump = dump.arg("dump").arg(self.store()).env_clear().output()?;
        Ok(String::from_utf8_lossy(&dump.stdout).lines().filter_map(copy).collect())
    }

    /// Bytes of RETTER's file.
    pub fn file_size(&self) -> io::Result<u64> {
        Ok(fs::metadata(self.store())?.len())
    }

    /// With the application stopped, asks until the breaker has opened.
    pub fn see_it_broken(&self, size: usize) -> io::Result<()> {
        until("the breaker does not open", || {
            let answer = wire::visit(self.address, size, 0);
            let circuit = answer.as_ref().ok().and_then(|head| wire::header(head, "x-circuit"));
            answer.is_ok() && (self.name == Name::Nginx || circuit == Some("OPEN"))
        })
    }

    fn store(&self) -> PathBuf {
        self.folder.join("retter.redb")
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        if self.name == Name::Retter && std::env::var_os(SEEN).is_some() {
            self.let_it_write_down();
        }
        // There is nobody left to tell.
        let _ = self.kill9();
    }
}

/// Where a program that is built to count what it does writes it down.
const SEEN: &str = "LLVM_PROFILE_FILE";

/// Tries every millisecond, for ten seconds.
pub fn until(otherwise: &str, mut condition: impl FnMut() -> bool) -> io::Result<()> {
    let end = Instant::now() + Duration::from_secs(10);
    while !condition() {
        if Instant::now() > end {
            return Err(io::Error::new(io::ErrorKind::TimedOut, otherwise));
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(())
}

/// The nginx that is installed; packages put it where only root's path looks.
pub fn nginx_program() -> Option<&'static str> {
    ["nginx", "/usr/sbin/nginx"]
        .into_iter()
        .find(|program| system::version(program, "-v").is_some())
}

/// The number of a page and the bytes of its copy, from a line of `retter-db dump`.
fn copy(line: &str) -> Option<(u64, u64)> {
    let mut columns = line.split('\t');
    let number = columns.next()?.rsplit('/').next()?.parse().ok()?;
    let (stored, _) = columns.nth(4)?.split_once('/')?;
    Some((number, stored.parse().ok()?))
}

fn free_address() -> io::Result<SocketAddr> {
    TcpListener::bind("127.0.0.1:0")?.local_addr()
}

fn nginx_conf(address: SocketAddr, origin: SocketAddr, role: Role) -> String {
    // Started by root, it would give its worker away to somebody who may not read the folder.
    let user = if system::is_root() { "user root;" } else { "" };
    let (zone, cache) = match role {
        Role::Pass => ("", ""),
        Role::Cache => (NGINX_ZONE, NGINX_CACHE),
    };
    format!(
        "{user} daemon off; worker_processes 1; pid nginx.pid; error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
    {zone}
    upstream application {{
        server {origin}; keepalive 64; keepalive_requests 1000000000;
    }}
    server {{
        listen {address};
        location / {{
            proxy_pass http://application;
            proxy_http_version 1.1;
            proxy_set_header Connection \"\";
            proxy_set_header Host $host;
            {cache}
        }}
    }}
}}
"
    )
}

const NGINX_ZONE: &str =
    "proxy_cache_path cache levels=1:2 keys_zone=copies:16m inactive=7d use_temp_path=off;";
const NGINX_CACHE: &str = "proxy_cache copies; proxy_cache_valid 200 1d; \
     proxy_cache_use_stale error timeout http_500 http_502 http_503 http_504;";
