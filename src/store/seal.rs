//! Copies made for an identity, as they rest on disk: readable only with the visitor's own
//! session value.
//!
//! XChaCha20-Poly1305 under the key that `key::Person` derives from that value, with fresh random
//! nonces (24 bytes: chance never repeats one). Head and body are each one message, so cutting,
//! swapping and mixing fail; the associated data binds them to their entry and to each other.
//! The seal hides what the page says, not that there is one, nor its size.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};

/// 24 bytes, stored beside the message.
pub(super) type Nonce = [u8; 24];

/// The key that seals one person's copies.
#[derive(Clone, Copy)]
pub(super) struct Seal<'a>(pub &'a [u8; 32]);

impl Seal<'_> {
    /// `None` only above the cipher's limit of 256 GiB.
    pub fn close(self, bound: &[u8], plain: &[u8]) -> Option<(Nonce, Vec<u8>)> {
        let nonce: Nonce = random();
        let payload = Payload { msg: plain, aad: bound };
        let sealed = self.cipher().encrypt(&XNonce::from(nonce), payload).ok()?;
        Some((nonce, sealed))
    }

    /// `None`: another seal, other bytes, or bound to something else.
    pub fn open(self, nonce: &Nonce, bound: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
        let payload = Payload { msg: sealed, aad: bound };
        self.cipher().decrypt(&XNonce::from(*nonce), payload).ok()
    }

    fn cipher(self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new(self.0.into())
    }
}

/// Tells whether a body has changed. Under a seal the hash is keyed: a plain one would let anybody
/// with the file test what the page says.
pub(super) fn content_hash(seal: Option<Seal>, body: &[u8]) -> [u8; 16] {
    let hash = match seal {
        Some(seal) => blake3::keyed_hash(&blake3::derive_key(CONTENT_HASH, seal.0), body),
        None => blake3::hash(body),
    };
    first_half(hash)
}

/// 128 bits of a hash: enough against chance and forgery alike for what is looked up by key.
pub(super) fn first_half(hash: blake3::Hash) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash.as_bytes()[..16]);
    half
}

/// Random bytes for secrets and nonces.
pub(super) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    // Without them no visitor's copies could be kept apart: there is nothing to go on with.
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

const CONTENT_HASH: &str = "retter 2026-11 content hash of a sealed copy";
