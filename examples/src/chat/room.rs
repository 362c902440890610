//! Who is in the chat.
//!
//! Saying something waits for nobody: it puts a line into every other mailbox, or closes a full one.

use crate::chat::mailbox::Mailbox;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The members of a chat.
///
/// ```
/// use asyncnet_examples::chat::Room;
/// use std::sync::Arc;
///
/// let room = Arc::new(Room::default());
/// let (ann, bob) = (Room::join(&room), Room::join(&room));
/// ann.say(b"hello");
/// assert_eq!(bob.mailbox().take(), b"hello\r\n");
/// ```
#[derive(Debug, Default)]
pub struct Room {
    mailboxes: Mutex<Vec<Arc<Mailbox>>>,
}

/// A place in a room, given up when it is dropped.
///
/// See the example at [`Room`].
#[derive(Debug)]
pub struct Member {
    room: Arc<Room>,
    mailbox: Arc<Mailbox>,
}

impl Room {
    /// A new member, which hears all that the others say from now on.
    #[must_use]
    pub fn join(room: &Arc<Self>) -> Member {
        let mailbox = Arc::new(Mailbox::default());
        room.lock().push(Arc::clone(&mailbox));
        Member { room: Arc::clone(room), mailbox }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Mailbox>>> {
        self.mailboxes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Member {
    /// Says a line to all others. Whoever has no room for it is out.
    pub fn say(&self, line: &[u8]) {
        self.room.lock().retain(|mailbox| Arc::ptr_eq(mailbox, &self.mailbox) || mailbox.put(line));
    }

    /// Leaves: what the others have said until now and was not taken.
    ///
    /// ```
    /// use asyncnet_examples::chat::Room;
    /// use std::sync::Arc;
    ///
    /// let room = Arc::new(Room::default());
    /// let (ann, bob) = (Room::join(&room), Room::join(&room));
    /// ann.say(b"bye");
    /// assert_eq!(bob.leave(), b"bye\r\n");
    /// ```
    #[must_use]
    pub fn leave(self) -> Vec<u8> {
        let mailbox = Arc::clone(&self.mailbox);
        drop(self);
        mailbox.take()
    }

    /// What the others have said.
    #[must_use]
    pub fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        self.room.lock().retain(|mailbox| !Arc::ptr_eq(mailbox, &self.mailbox));
    }
}
