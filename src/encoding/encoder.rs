//! Content codings put on: in one piece, or as a stream that never keeps bytes waiting.

use bytes::Bytes;
use flate2::{Compress, Compression, Crc, FlushCompress, Status};
use std::cell::RefCell;
use std::io;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::LocalKey;
use zstd::stream::raw::{self, Operation};
use zstd::zstd_safe::{CParameter, InBuffer, OutBuffer};

/// A coding that RETTER puts on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Coding {
    Zstd,
    Gzip,
}

impl Coding {
    /// Its registered name (RFC 9110 section 8.4.1).
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }
}

/// The whole of `body` in a coding. `None` only if there is no memory for it.
pub fn encode(coding: Coding, body: &[u8]) -> Option<Bytes> {
    if coding == Coding::Zstd {
        return super::packed(body).map(Bytes::from);
    }
    let mut state = State::of(coding)?;
    let mut encoded = Vec::with_capacity(body.len() / 2);
    state.write(body, &mut encoded).ok()?;
    state.finish(&mut encoded).ok()?;
    state.give_back();
    Some(Bytes::from(encoded))
}

/// A body in the making. Its memory is bounded (under 1 MiB each), and so is how many there are.
pub struct Encoder {
    /// `None` after the end.
    state: Option<State>,
    encoded: Vec<u8>,
    _place: Place,
}

impl Encoder {
    /// `None` if so many are at work already that this body had better go as it is.
    pub fn begin(coding: Coding) -> Option<Self> {
        let place = Place::take()?;
        Some(Self { state: Some(State::of(coding)?), encoded: Vec::new(), _place: place })
    }

    /// Takes bytes; what comes of them may stay inside until the next [`Encoder::flush`].
    ///
    /// # Errors
    /// None that the bytes could cause.
    pub fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.state {
            Some(state) => state.write(bytes, &mut self.encoded),
            None => Err(io::ErrorKind::WriteZero.into()),
        }
    }

    /// All that has been written, so that a reader can decode it now.
    ///
    /// # Errors
    /// As [`Encoder::write`].
    pub fn flush(&mut self) -> io::Result<Bytes> {
        if let Some(state) = &mut self.state {
            state.flush(&mut self.encoded)?;
        }
        Ok(Bytes::from(std::mem::take(&mut self.encoded)))
    }

    /// The rest, with the end. After it there is nothing more to be had.
    ///
    /// # Errors
    /// As [`Encoder::write`].
    pub fn finish(&mut self) -> io::Result<Bytes> {
        if let Some(mut state) = self.state.take() {
            state.finish(&mut self.encoded)?;
            state.give_back();
        }
        Ok(Bytes::from(std::mem::take(&mut self.encoded)))
    }
}

/// A context costs more to make than a page costs to compress: those of bodies that came to their
/// end are used again.
enum State {
    Zstd(raw::Encoder<'static>),
    Gzip { deflate: Compress, crc: Crc, begun: bool },
}

impl State {
    fn of(coding: Coding) -> Option<Self> {
        Some(match coding {
            Coding::Zstd => Self::Zstd(taken(&ZSTDS).map_or_else(zstd, Some)?),
            Coding::Gzip => {
                let fresh = || Compress::new(Compression::new(GZIP_LEVEL), false);
                let deflate = taken(&GZIPS).unwrap_or_else(fresh);
                Self::Gzip { deflate, crc: Crc::new(), begun: false }
            }
        })
    }

    fn give_back(self) {
        match self {
            Self::Zstd(mut zstd) => {
                if zstd.reinit().is_ok() {
                    put_back(&ZSTDS, zstd);
                }
            }
            Self::Gzip { mut deflate, .. } => {
                deflate.reset();
                put_back(&GZIPS, deflate);
            }
        }
    }

    fn write(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Zstd(zstd) => {
                let mut input = InBuffer::around(bytes);
                while input.pos() < bytes.len() {
                    step(out, |output| zstd.run(&mut input, output))?;
                }
            }
            Self::Gzip { deflate, crc, begun } => {
                if !std::mem::replace(begun, true) {
                    out.extend_from_slice(&GZIP_HEAD);
                }
                crc.update(bytes);
                let start = deflate.total_in();
                while let rest = &bytes[(deflate.total_in() - start) as usize..]
                    && !rest.is_empty()
                {
                    deflated(deflate, rest, out, FlushCompress::None)?;
                }
            }
        }
        Ok(())
    }

    fn flush(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Zstd(zstd) => while step(out, |output| zstd.flush(output))? > 0 {},
            // All is out when room is left.
            Self::Gzip { deflate, .. } => loop {
                deflated(deflate, &[], out, FlushCompress::Sync)?;
                if out.len() < out.capacity() {
                    break;
                }
            },
        }
        Ok(())
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        // An empty body has a beginning too.
        self.write(&[], out)?;
        match self {
            Self::Zstd(zstd) => while step(out, |output| zstd.finish(output, false))? > 0 {},
            Self::Gzip { deflate, crc, .. } => {
                while deflated(deflate, &[], out, FlushCompress::Finish)? != Status::StreamEnd {}
                out.extend_from_slice(&crc.sum().to_le_bytes());
                out.extend_from_slice(&crc.amount().to_le_bytes());
            }
        }
        Ok(())
    }
}

fn step(
    out: &mut Vec<u8>,
    run: impl FnOnce(&mut OutBuffer<'_, Vec<u8>>) -> io::Result<usize>,
) -> io::Result<usize> {
    out.reserve(STEP);
    let end = out.len();
    run(&mut OutBuffer::around_pos(out, end))
}

fn deflated(
    deflate: &mut Compress,
    bytes: &[u8],
    out: &mut Vec<u8>,
    flush: FlushCompress,
) -> io::Result<Status> {
    out.reserve(STEP);
    Ok(deflate.compress_vec(bytes, out, flush)?)
}

fn zstd() -> Option<raw::Encoder<'static>> {
    let mut fresh = raw::Encoder::new(super::LEVEL).ok()?;
    for parameter in ZSTD_SIZES {
        fresh.set_parameter(parameter).ok()?;
    }
    Some(fresh)
}

type Pool<T> = LocalKey<RefCell<Vec<T>>>;

thread_local! {
    static ZSTDS: RefCell<Vec<raw::Encoder<'static>>> = const { RefCell::new(Vec::new()) };
    static GZIPS: RefCell<Vec<Compress>> = const { RefCell::new(Vec::new()) };
}

fn taken<T>(pool: &'static Pool<T>) -> Option<T> {
    pool.with_borrow_mut(Vec::pop)
}

fn put_back<T>(pool: &'static Pool<T>, context: T) {
    pool.with_borrow_mut(|pool| {
        if pool.len() < POOLED_MAX {
            pool.push(context);
        }
    });
}

/// One of the bodies that are compressed at one time.
struct Place;

impl Place {
    fn take() -> Option<Self> {
        let taken = |count| (count < STREAMS_MAX).then_some(count + 1);
        STREAMS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, taken).ok().map(|_| Self)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        STREAMS.fetch_sub(1, Ordering::Relaxed);
    }
}

static STREAMS: AtomicUsize = AtomicUsize::new(0);
const STREAMS_MAX: usize = 64;
/// Small tables: there may be many at a time, and what is flushed often gains little by large ones.
/// log2 of bytes, and of entries of four bytes.
const ZSTD_SIZES: [CParameter; 3] =
    [CParameter::WindowLog(16), CParameter::HashLog(14), CParameter::ChainLog(14)];
/// Contexts of each kind that a thread keeps.
const POOLED_MAX: usize = 4;
/// Cheap, and within a tenth of what the highest level gains.
const GZIP_LEVEL: u32 = 4;
/// How much room an encoded body grows by, bytes.
const STEP: usize = 8 * 1024;
/// RFC 1952 section 2.3: deflate, no name, no time, no system.
const GZIP_HEAD: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::encoding::{decode, tests::page};
    use proptest::prelude::*;

    const BOTH: [Coding; 2] = [Coding::Zstd, Coding::Gzip];

    /// No test may find all places taken by another.
    fn begin(coding: Coding) -> Encoder {
        loop {
            match Encoder::begin(coding) {
                Some(encoder) => return encoder,
                None => std::thread::yield_now(),
            }
        }
    }

    #[test]
    fn text_shrinks_and_comes_back() {
        for coding in BOTH {
            let encoded = encode(coding, &page(100_000)).unwrap();
            assert!(encoded.len() < 10_000, "{coding:?}: {}", encoded.len());
            assert_eq!(decode(coding.as_str(), &encoded, 100_000).unwrap(), page(100_000));
        }
    }

    #[test]
    fn what_was_flushed_can_be_read_before_the_end() {
        for coding in BOTH {
            let mut encoder = begin(coding);
            encoder.write(b"<p>hello</p>").unwrap();
            let flushed = encoder.flush().unwrap();
            assert_eq!(so_far(coding, &flushed), b"<p>hello</p>", "{coding:?}");
            assert!(encoder.finish().unwrap().len() < 20);
        }
    }

    /// What a reader has of a body whose end is not here yet.
    fn so_far(coding: Coding, bytes: &[u8]) -> Vec<u8> {
        let mut read = vec![0; 1000];
        let mut decoder: Box<dyn io::Read> = match coding {
            Coding::Zstd => Box::new(zstd::Decoder::new(bytes).unwrap()),
            Coding::Gzip => Box::new(flate2::read::GzDecoder::new(bytes)),
        };
        let length = decoder.read(&mut read).unwrap();
        read.truncate(length);
        read
    }

    #[test]
    fn a_body_that_was_left_in_the_middle_spoils_no_other() {
        for coding in BOTH {
            let mut left = begin(coding);
            left.write(&page(50_000)).unwrap();
            drop(left);
            let encoded = encode(coding, b"short").unwrap();
            assert_eq!(decode(coding.as_str(), &encoded, 10).unwrap(), "short");
        }
    }

    #[test]
    fn a_body_in_the_making_costs_less_than_a_mebibyte() {
        let mut context = zstd::zstd_safe::CCtx::create();
        for parameter in ZSTD_SIZES {
            context.set_parameter(parameter).unwrap();
        }
        let mut encoder = raw::Encoder::with_context(&mut context);
        for _ in 0..20 {
            let mut out = Vec::with_capacity(200_000);
            let noise: Vec<u8> = (0..100_000).map(|_| fastrand::u8(..)).collect();
            encoder.run(&mut InBuffer::around(&noise), &mut OutBuffer::around(&mut out)).unwrap();
        }
        drop(encoder);
        assert!(context.sizeof() < 1 << 20, "{} bytes", context.sizeof());
    }

    #[test]
    fn only_so_many_are_at_work_at_once() {
        // Other tests take places and leave them meanwhile.
        let mut all = Vec::new();
        let filled = (0..10_000).any(|_| {
            all.extend(std::iter::from_fn(|| Encoder::begin(Coding::Gzip)).take(STREAMS_MAX + 1));
            Encoder::begin(Coding::Gzip).is_none()
        });
        assert!(filled && all.len() <= STREAMS_MAX);
        all.clear();
        begin(Coding::Gzip);
    }

    proptest! {
        #[test]
        fn any_pieces_come_back_in_every_coding(
            pieces in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..3_000), 0..6),
            flushes: bool,
        ) {
            for coding in BOTH {
                let mut encoder = begin(coding);
                let mut sent = Vec::new();
                for piece in &pieces {
                    encoder.write(piece).unwrap();
                    if flushes {
                        sent.extend(encoder.flush().unwrap());
                    }
                }
                sent.extend(encoder.finish().unwrap());
                let whole = pieces.concat();
                prop_assert_eq!(&decode(coding.as_str(), &sent, whole.len()).unwrap()[..], &whole[..]);
                let at_once = encode(coding, &whole).unwrap();
                prop_assert_eq!(&decode(coding.as_str(), &at_once, whole.len()).unwrap()[..], &whole[..]);
            }
        }
    }
}
