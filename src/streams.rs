//! What a connection's bytes go through, on both sides: an enum of streams that is a stream, a socket
//! whose small writes leave together ([`batch`]), and how long a task may go on ([`turn`]).
//!
//! An enum of streams is a stream: each call is one comparison, and goes through to the stream inside as
//! it is. A table of calls (`dyn`) would cost a jump that nobody can foresee, for every byte passed on.

mod batch;
mod turn;

pub(crate) use batch::{Batched, send_held};
pub(crate) use turn::has_read;

/// Makes a stream of an enum whose variants each hold one that is `Unpin`, or a box of one. A function
/// that is named behind an arrow hears after each look for bytes how many there were.
macro_rules! is_the_stream_inside {
    ($choice:ident: $($variant:ident),+ $(=> $looked:path)?) => {
        impl ::tokio::io::AsyncRead for $choice {
            fn poll_read(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
                buf: &mut ::tokio::io::ReadBuf<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                let before = buf.filled().len();
                let read = match self.get_mut() {
                    $(Self::$variant(it) => ::std::pin::Pin::new(it).poll_read(cx, buf),)+
                };
                let _brought = buf.filled().len() - before;
                $($looked(_brought);)?
                read
            }
        }

        impl ::tokio::io::AsyncWrite for $choice {
            fn poll_write(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
                bytes: &[u8],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(it) => ::std::pin::Pin::new(it).poll_write(cx, bytes),)+
                }
            }

            fn poll_write_vectored(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
                slices: &[::std::io::IoSlice<'_>],
            ) -> ::std::task::Poll<::std::io::Result<usize>> {
                match self.get_mut() {
                    $(Self::$variant(it) => {
                        ::std::pin::Pin::new(it).poll_write_vectored(cx, slices)
                    })+
                }
            }

            fn is_write_vectored(&self) -> bool {
                match self {
                    $(Self::$variant(it) => ::tokio::io::AsyncWrite::is_write_vectored(it),)+
                }
            }

            fn poll_flush(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(it) => ::std::pin::Pin::new(it).poll_flush(cx),)+
                }
            }

            fn poll_shutdown(
                self: ::std::pin::Pin<&mut Self>,
                cx: &mut ::std::task::Context<'_>,
            ) -> ::std::task::Poll<::std::io::Result<()>> {
                match self.get_mut() {
                    $(Self::$variant(it) => ::std::pin::Pin::new(it).poll_shutdown(cx),)+
                }
            }
        }
    };
}

pub(crate) use is_the_stream_inside;
