//! Processors: one for a program that is started, the others for whoever asks it, where the system
//! knows of such things and there are two.

#[cfg(target_os = "linux")]
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// Until it is dropped, this thread is kept away from the child.
#[cfg(target_os = "linux")]
pub struct Apart {
    all: CpuSet,
    childs: CpuSet,
}

#[cfg(target_os = "linux")]
impl Apart {
    /// What is started from now on has the child's processor.
    pub fn begin() -> Self {
        let all = sched_getaffinity(None).unwrap_or_default();
        let mut childs = CpuSet::new();
        if let Some(first) = (0..CpuSet::MAX_CPU).find(|&cpu| all.is_set(cpu)) {
            childs.set(first);
        }
        move_to(&childs);
        Self { all, childs }
    }

    pub fn leave_to_child(&self) {
        let mut others = CpuSet::new();
        (0..CpuSet::MAX_CPU)
            .filter(|&cpu| self.all.is_set(cpu) && !self.childs.is_set(cpu))
            .for_each(|cpu| others.set(cpu));
        move_to(&others);
    }
}

#[cfg(target_os = "linux")]
impl Drop for Apart {
    fn drop(&mut self) {
        move_to(&self.all);
    }
}

/// An empty set is refused, and everybody stays where they are.
#[cfg(target_os = "linux")]
fn move_to(set: &CpuSet) {
    let _ = sched_setaffinity(None, set);
}

#[cfg(not(target_os = "linux"))]
pub struct Apart;

#[cfg(not(target_os = "linux"))]
impl Apart {
    pub fn begin() -> Self {
        Self
    }

    pub fn leave_to_child(&self) {}
}
