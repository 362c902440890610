//! Deadlines over real sockets, on tokio's paused clock: it jumps to the next alarm when all that is left to do is to wait,
//! so that nothing here takes as long as it says, and each deadline is met to the millisecond.

use asyncnet_conformance::pki::{self, Version};
use asyncnet_tokio::tls::{StartTls, TlsError};
use asyncnet_tokio::{Deadline, Error, Limits, Stream, pair};
use std::future::Future;
use std::time::Duration;
use tokio::time::Instant;

const TIME: Duration = Duration::from_secs(30);

/// A stream with these limits, and its peer.
fn limited(set: impl FnOnce(&mut Limits)) -> (Stream, Stream) {
    let (mut stream, peer) = pair().expect("the loopback interface");
    let mut limits = *stream.limits();
    set(&mut limits);
    stream.set_limits(limits);
    (stream, peer)
}

/// The error of a call, which takes exactly so long.
async fn after<T>(time: Duration, call: impl Future<Output = Result<T, Error>>) -> Error {
    let began = Instant::now();
    let Err(error) = call.await else { panic!("it succeeded") };
    let took = began.elapsed();
    // tokio's alarms have a resolution of a millisecond.
    assert!(
        took >= time && took <= time + Duration::from_millis(2),
        "it took {took:?}, not {time:?}: {error}"
    );
    assert!(error.is_timeout(), "{error:?}");
    error
}

#[tokio::test(start_paused = true)]
async fn a_line_has_its_time_and_can_still_be_received() {
    let (mut stream, mut peer) = limited(|limits| limits.line_time_max = TIME);
    peer.send(b"half a ").await.unwrap();
    let error = after(TIME, stream.recv_line()).await;
    assert!(matches!(error, Error::TimedOut(Deadline::Line)), "{error:?}");
    peer.send(b"line\n").await.unwrap();
    assert_eq!(stream.recv_line().await.unwrap().unwrap(), "half a line");
}

#[tokio::test(start_paused = true)]
async fn silence_has_its_time() {
    let (mut stream, mut peer) = limited(|limits| limits.idle_time_max = TIME);
    let error = after(TIME, stream.recv(&mut [0; 8])).await;
    assert!(matches!(error, Error::TimedOut(Deadline::Idle)), "{error:?}");
    peer.send(b"late").await.unwrap();
    assert_eq!(stream.recv_owned(100).await.unwrap(), "late");
}

#[tokio::test(start_paused = true)]
async fn a_send_has_its_time() {
    let (mut stream, _peer) = limited(|limits| limits.send_time_max = TIME);
    // More than fits between the ends.
    let long = vec![b'x'; 24 << 20];
    let error = after(TIME, stream.send(&long)).await;
    assert!(matches!(error, Error::TimedOut(Deadline::Send)), "{error:?}");
    assert!(matches!(stream.send(b"more").await, Err(Error::Send(_))), "it is torn, and says so");
}

#[tokio::test(start_paused = true)]
async fn a_close_has_its_time() {
    let (mut stream, _peer) = limited(|limits| limits.queue_bytes_max = 24 << 20);
    stream.queue(&vec![b'x'; 24 << 20]).unwrap();
    let time = stream.limits().close_time_max;
    let error = after(time, stream.close()).await;
    assert!(matches!(error, Error::TimedOut(Deadline::Close)), "{error:?}");
    assert!(stream.is_closed());
}

#[tokio::test(start_paused = true)]
async fn a_handshake_has_its_time_and_leaves_nothing_to_use() {
    let (mut stream, _peer) = limited(|limits| limits.handshake_time_max = TIME);
    let how = StartTls::client(&pki::client(Version::Tls13), "localhost").unwrap();
    let error = after(TIME, stream.start_tls(how)).await;
    assert!(matches!(error, Error::Tls(TlsError::HandshakeTimedOut { .. })), "{error:?}");
    assert!(matches!(stream.send(b"plain").await, Err(Error::Tls(_))));
}

/// Both directions of a stream wait at once, each with an alarm of its own.
#[tokio::test(start_paused = true)]
async fn halves_have_their_time() {
    let (stream, _peer) = limited(|limits| (limits.line_time_max, limits.send_time_max) = (TIME, TIME / 2));
    let (mut reader, mut writer) = stream.into_split().unwrap();
    let long = vec![b'x'; 24 << 20];
    let sender = tokio::spawn(async move { after(TIME / 2, writer.send(&long)).await });
    let error = after(TIME, reader.recv_line()).await;
    assert!(matches!(error, Error::TimedOut(Deadline::Line)), "{error:?}");
    assert!(matches!(sender.await.unwrap(), Error::TimedOut(Deadline::Send)));
}

/// A clock goes on when a stream comes apart, and when it is put together again: so do the times that are counted by it.
#[tokio::test(start_paused = true)]
async fn a_clock_goes_on_in_halves() {
    let third = TIME / 3;
    let (stream, _peer) = limited(|limits| (limits.line_time_max, limits.send_time_max) = (TIME, TIME));
    tokio::time::advance(TIME * 5).await;
    // A third of its time passes on the whole stream, one on the halves, and one when it is whole again.
    let mut stream = stream;
    assert!(tokio::time::timeout(third, stream.recv_line()).await.is_err());
    let (mut reader, mut writer) = stream.into_split().unwrap();
    assert!(tokio::time::timeout(third, reader.recv_line()).await.is_err());
    // A send begins to wait on the half.
    let long = asyncnet_tokio::Bytes::from(vec![b'x'; 24 << 20]);
    assert!(tokio::time::timeout(Duration::from_millis(1), writer.send_owned(long)).await.is_err());
    let mut stream = reader.reunite(writer).unwrap();
    let error = after(third - Duration::from_millis(1), stream.recv_line()).await;
    assert!(matches!(error, Error::TimedOut(Deadline::Line)), "{error:?}");
    // The send has had a third; two are left.
    let error = after(TIME - third, stream.flush()).await;
    assert!(matches!(error, Error::TimedOut(Deadline::Send)), "{error:?}");
}
