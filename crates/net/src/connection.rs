//! A TCP connection that does not let its peer wait for acknowledgements.

use std::{
    io::{self, IoSlice},
    net::SocketAddr,
    pin::Pin,
    task::{Context, Poll},
};

use tokio::{
    io::{AsyncRead, AsyncWrite, ReadBuf},
    net::TcpStream,
};

/// A TCP stream without the two delays that small messages suffer.
///
/// Ours, Nagle's algorithm, is switched off (TCP_NODELAY). The peer's is not ours to
/// switch: a server that sends its flight in two writes holds the second back until the
/// first is acknowledged, and the kernel delays that acknowledgement by 40 ms since it
/// hopes to send it along with data. So whenever there is nothing to read, the
/// acknowledgement is sent at once (TCP_QUICKACK, which Linux forgets after each use).
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
}

impl Connection {
    pub(crate) fn new(stream: TcpStream) -> Self {
        // Failing to set it costs time, nothing else.
        let _ = stream.set_nodelay(true);
        Self { stream }
    }

    /// Our own address on this connection, as the peer sees it where nothing translates
    /// addresses in between.
    pub fn local_addr(&self) -> Option<SocketAddr> {
        self.stream.local_addr().ok()
    }

    fn acknowledge(&self) {
        // Likewise.
        #[cfg(any(target_os = "linux", target_os = "android"))]
        let _ = self.stream.set_quickack(true);
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if result.is_pending() {
            self.acknowledge();
        }
        result
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::{
        io::{AsyncReadExt, AsyncWriteExt},
        net::TcpListener,
    };

    use super::*;

    #[tokio::test]
    async fn bytes_go_both_ways_and_small_ones_are_sent_at_once() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut ours = Connection::new(stream);
        assert!(ours.stream.nodelay().unwrap());
        let (mut server, _) = listener.accept().await.unwrap();
        ours.write_all(b"EHLO").await.unwrap();
        let mut got = [0; 4];
        server.read_exact(&mut got).await.unwrap();
        assert_eq!(&got, b"EHLO");
        let (read, write) = tokio::join!(ours.read_exact(&mut got), server.write_all(b"250 "));
        write.unwrap();
        read.unwrap();
        assert_eq!(&got, b"250 ");
        ours.shutdown().await.unwrap();
        assert_eq!(server.read(&mut got).await.unwrap(), 0);
    }
}
