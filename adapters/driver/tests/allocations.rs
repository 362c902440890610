//! What a stream allocates, and what it holds when it is idle: counts, which do not depend on the machine.
//!
//! One test, so that nothing else allocates beside it.

use allocation_counter::measure;
use asyncnet_driver::{Error, Limits};
use asyncnet_smol::Stream;
use futures_lite::future::{block_on, poll_once};

#[test]
fn a_dialogue_in_lines_allocates_nothing_and_an_idle_stream_holds_little() {
    let (mut client, mut server) = asyncnet_smol::pair().unwrap();
    let mut line = Vec::new();
    // What a thread, a pool and a reactor need once.
    block_on(dialogue(&mut client, &mut server, &mut line, 100)).unwrap();

    let counted = measure(|| block_on(dialogue(&mut client, &mut server, &mut line, 1_000)).unwrap());
    assert_eq!(counted.count_total, 0, "allocations in 1 000 questions and answers");

    let counted = measure(|| block_on(burst(&mut client, &mut server, &mut line, 100)).unwrap());
    assert_eq!(counted.count_total, 0, "allocations in 100 bursts of 16 lines");

    // Both wait: their blocks are in the pool.
    for stream in [&mut client, &mut server] {
        assert!(block_on(poll_once(stream.recv_line())).is_none());
    }
    let idle = size_of::<Stream>();
    assert!(idle <= 700, "an idle stream is {idle} bytes");

    // A long line comes in pieces: its block grows by doubling, and is not given to the pool.
    let long = vec![b'x'; Limits::default().line_bytes_max];
    let counted = measure(|| {
        let work = async {
            let (sent, received) =
                futures_lite::future::zip(client.send_line(&long), server.recv_line_into(&mut line)).await;
            sent?;
            received
        };
        assert!(block_on(work).unwrap().is_some());
    });
    assert!(counted.count_total < 20, "{} allocations for one line of 1 MB", counted.count_total);
    assert!(counted.bytes_max < 4 << 20, "{} bytes at once for one line of 1 MB", counted.bytes_max);
}

async fn dialogue(
    client: &mut Stream,
    server: &mut Stream,
    line: &mut Vec<u8>,
    times: usize,
) -> Result<(), Error> {
    for _ in 0..times {
        client.send_line("a question, as long as they are").await?;
        server.recv_line_into(line).await?;
        server.queue_line(&line)?;
        server.flush().await?;
        client.recv_line_into(line).await?;
    }
    Ok(())
}

async fn burst(
    client: &mut Stream,
    server: &mut Stream,
    line: &mut Vec<u8>,
    times: usize,
) -> Result<(), Error> {
    for _ in 0..times {
        for _ in 0..16 {
            client.queue_line("one of sixteen")?;
        }
        client.flush().await?;
        for _ in 0..16 {
            server.recv_line_into(line).await?;
            server.queue_line(&line)?;
        }
        server.flush().await?;
        for _ in 0..16 {
            client.recv_line_into(line).await?;
        }
    }
    Ok(())
}
