//! Getting hold of the file: as its writer if that can be, otherwise to read from, and never in a
//! way that keeps RETTER from serving.

use super::Sharing;
use super::attempt::Attempt;
use super::handle::Handle;
use super::meta::{self, Meta};
use super::reader;
use super::shared::Shared;
use super::trouble::Trouble;
use super::{aside, file, recover};
use crate::key::Secret;
use std::sync::Arc;

impl Shared {
    /// Becomes the writer. On trouble the file is read beside its writer, or as it lies on a full
    /// disk, if it can be.
    pub(super) fn gain(self: &Arc<Self>) -> Result<Meta, Trouble> {
        let opened = match self.open() {
            Err(trouble) if self.sets_aside(&trouble) => self.open(),
            opened => opened,
        };
        let opened = opened.inspect_err(|trouble| self.make_do(trouble))?;
        self.adopt(&Secret(opened.meta.secret));
        self.file.set(Handle::Own(opened.db.into()));
        self.opened();
        if !self.index.is_loaded() {
            self.load_index(opened.meta.copies);
        }
        if aside::unrepaired(&self.settings.path).exists() {
            recover::start(self.clone());
        }
        Ok(opened.meta)
    }

    /// A file that keeps failing is set aside like one that cannot be opened.
    pub(super) fn give_up_if_damaged(&self) {
        if !self.strikes.lock().are_out() {
            return;
        }
        // Opened, it is nobody else's in this moment.
        let opened = self.open();
        if !matches!(opened, Err(Trouble::Locked)) {
            self.set_aside(&Trouble::Damaged("it failed again and again".into()));
        }
    }

    fn open(&self) -> Result<file::Opened, Trouble> {
        // Whoever reads beside a writer knows the version, and that the file can be opened.
        if self.file.get().is_some() {
            return file::open(&self.settings, &self.application, self.fresh());
        }
        let _attempt = Attempt::begin(&self.settings.path)?;
        file::refuse_newer(&self.settings.path)?;
        file::open(&self.settings, &self.application, self.fresh())
    }

    /// What a new file begins with. The secret that is known here already, so that the copies of
    /// people in memory fit the file. And body ids that an older file, whose rows may come back,
    /// never used: copies are sealed to theirs.
    fn fresh(&self) -> Meta {
        let recovers = aside::unrepaired(&self.settings.path).exists();
        let next_body = if recovers { meta::unused_bodies() } else { 0 };
        Meta { secret: self.secret.read().0, next_body, ..Meta::default() }
    }

    /// Another RETTER may have found the same trouble and mended it in this moment: so the trouble
    /// is looked at twice before the file is moved, and only the file that was looked at.
    fn sets_aside(&self, trouble: &Trouble) -> bool {
        let seen = aside::place_of(&self.settings.path);
        matches!(trouble, Trouble::NeedsRepair | Trouble::Damaged(_))
            && self.open().is_err_and(|again| again == *trouble)
            && seen == aside::place_of(&self.settings.path)
            && self.set_aside(trouble)
    }

    fn set_aside(&self, trouble: &Trouble) -> bool {
        let file = self.settings.path.display();
        match aside::put(&self.settings.path, trouble) {
            Some(Ok(to)) => {
                Attempt::forget_all(&self.settings.path);
                self.counters.set_aside.up();
                let (to, remedy) = (to.display(), trouble.remedy());
                tracing::warn!(%file, %to, reason = %trouble, remedy, "the file was set aside");
                self.index.clear();
                true
            }
            Some(Err(error)) => {
                tracing::warn!(%file, %error, reason = %trouble, "the file cannot be set aside");
                false
            }
            None => false,
        }
    }

    /// Another RETTER is the writer, or is about to be.
    pub(super) fn read_beside(&self) {
        if self.settings.sharing == Sharing::Exclusive {
            return;
        }
        self.read_from(reader::open_beside(&self.settings.path));
    }

    /// Reads what can be read meanwhile.
    fn make_do(&self, trouble: &Trouble) {
        if self.file.get().is_some() {
            return;
        }
        match trouble {
            Trouble::Locked => self.read_beside(),
            Trouble::Full => self.read_from(reader::open_frozen(&self.settings.path)),
            _ => {}
        }
    }

    fn read_from(&self, opened: Result<Handle, Trouble>) {
        if let Ok(handle) = opened
            && let Some(secret) = self.own_secret(&handle)
        {
            self.adopt(&secret);
            self.file.set(handle);
        }
    }

    /// The file's secret, if it holds this application's copies.
    fn own_secret(&self, handle: &Handle) -> Option<Secret> {
        file::guarded(|| {
            let transaction = handle.begin_read()?;
            let owner = meta::application(&transaction)?;
            let own = owner.is_some_and(|owner| owner == self.application);
            Ok::<_, redb::Error>(if own { meta::secret(&transaction)? } else { None })
        })
        .ok()
        .flatten()
    }
}
