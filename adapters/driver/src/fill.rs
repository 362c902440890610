//! Memory that is being filled, with how far it is: progress that belongs to the caller.

/// A part of the caller's memory that fills up over any number of calls, dropped ones included.
///
/// For requests above [`Limits::recv_bytes_max`](crate::Limits::recv_bytes_max), which the stream does not gather itself.
///
/// ```
/// # futures_lite::future::block_on(async {
/// use asyncnet_driver::Fill;
///
/// let (mut client, mut server) = asyncnet_smol::pair()?;
/// let mut memory = vec![0; 6];
/// let mut fill = Fill::new(&mut memory);
/// client.send(b"abc").await?;
/// // Polled once and dropped: it has what had come.
/// futures_lite::future::poll_once(server.recv_exact_into(&mut fill)).await;
/// client.send(b"def").await?;
/// server.recv_exact_into(&mut fill).await?;
/// assert_eq!(fill.filled(), b"abcdef");
/// # Ok::<(), asyncnet_driver::Error>(()) }).unwrap();
/// ```
#[derive(Debug)]
pub struct Fill<'a> {
    memory: &'a mut [u8],
    len: usize,
}

impl<'a> Fill<'a> {
    /// Nothing is filled yet.
    ///
    /// ```
    /// assert!(asyncnet_driver::Fill::new(&mut [0; 4]).filled().is_empty());
    /// ```
    pub fn new(memory: &'a mut [u8]) -> Self {
        Self { memory, len: 0 }
    }

    /// What is filled so far.
    ///
    /// See the example at [`Fill`].
    #[must_use]
    pub fn filled(&self) -> &[u8] {
        &self.memory[..self.len]
    }

    /// Whether all of it is filled.
    ///
    /// ```
    /// assert!(asyncnet_driver::Fill::new(&mut []).is_full());
    /// ```
    #[must_use]
    pub fn is_full(&self) -> bool {
        self.len == self.memory.len()
    }

    pub(crate) fn len_whole(&self) -> usize {
        self.memory.len()
    }

    pub(crate) fn unfilled(&mut self) -> &mut [u8] {
        &mut self.memory[self.len..]
    }

    pub(crate) fn advance(&mut self, n: usize) {
        self.len += n;
    }
}
