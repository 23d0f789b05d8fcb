/** What would carry more, in words: what to build, and what it buys. */
export function plansText(): string {
  return `## What would carry more

Nothing of this is built. B was simulated over the product's own code.

**B. Records shared by a data centre.** A record that another isolate has read is as good as one of a replica that lags so far, if the
isolate knows the changes since. To build:

1. A decorator of the records that are read of a replica, over the Cache API, as \`sharedFeed\` is one of the feed: the record with its
   \`head\`, for an hour, signed together with database and digest under a key of its own purpose, at an address made from an HMAC of the digest.
   Only of keys that exist: who presents others must not choose what fills the cache.
2. It is used only if its \`head\` is not before the oldest change that the isolate knows, and if no change since names the key.
   Otherwise the replica is asked, and what it says is shared, or the primary, and what that says of a key that was just revoked.
3. **After a restore numbers are given anew**, and a record from before it may have any of them. So it comes with the change that the replica
   named beside it, and that one must not be before the oldest that the isolate knows either, in number nor in the database's own time: whatever
   a restore has undone is older than the change of every key that is written after it.
4. An isolate that starts reads the newest 1,000 changes behind its first answer, by a look at the feed alone, and its feed remembers them from
   there on. In the statement that brings the first record they would repeat it 1,000 times. **Without this step B buys little**, because an
   isolate could use no record that is older than itself.

Changes come from the primary as ever, so the promise stands as it is: who can write that cache can at most replay a record that
was signed, and the rule refuses one whose key has changed since. It takes one read of the cache before each first use in an isolate,
and a signature and a write for each first use in a data centre. Where few isolates share, that read is lost on most of them.

**C. Fewer questions of crowded data centres.** While one isolate asks the primary, those that look meanwhile ask as well: 8 isolates ask 1.2
times a second together, 125 ask 3 times. To build: who is about to ask leaves a note in the cache, and as long as that is not older than
the last reading took, others use what was shared before, if it is not older than a second and that time.

In the tables: "feed", "knows nothing" and "too old" are reads of the primary, as above.`;
}
