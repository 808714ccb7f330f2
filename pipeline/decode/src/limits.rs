//! Every limit of the service: its unit, and why this number.
//!
//! A limit that is reached slows the source down or is counted; nothing grows without one (I4).
//! Names end in what they bound, `_BYTES_MAX`, `_ROWS_MAX`; those of a time have the type `Duration`.

use std::time::Duration;

/// One mebibyte, the unit in which the byte limits below are written.
const MIB: u64 = 1024 * 1024;

// --- config -------------------------------------------------------------------------------

/// A configuration file is a page of text; more is the wrong file.
pub const CONFIG_FILE_BYTES_MAX: u64 = MIB;
/// A batch of the lake closes at this many bytes in memory: large enough to spare readers small
/// files, small enough that memory holds several.
pub const LAKE_BATCH_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A batch of the lake closes at this many rows, whatever their size.
pub const LAKE_BATCH_ROWS_MAX: usize = 500_000;
/// A batch of the lake closes at this age: the longest that its rows wait before they count.
pub const LAKE_BATCH_AGE_MAX: Duration = Duration::from_secs(30);
/// Memory for rows and queries: eight batches of the lake.
pub const MEMORY_BYTES_MAX: usize = 512 * 1024 * 1024;
/// One batch fills while another is committed, so memory must hold two at least.
pub const MEMORY_PER_BATCH_MIN: usize = 2;
/// What a decoder holds at most, inflated and as rows: no more decode at once than memory bears of this.
pub const MEMORY_PER_CORE: usize = 64 * 1024 * 1024;
/// So many decode at once, however little memory there is.
pub const CORES_MIN: usize = 2;
/// Objects that are fetched and decoded at the same time; more only wait for the processor.
pub const OBJECTS_IN_FLIGHT_MAX: usize = 8;
/// The most that may be configured: each one holds a connection and its buffers.
pub const OBJECTS_IN_FLIGHT_LIMIT: usize = 1024;
/// Threads for blocking work: a decoder holds one for each object, and the lake's files and name
/// look-ups need some beside them, or all would wait for each other.
pub const BLOCKING_THREADS_MAX: usize = OBJECTS_IN_FLIGHT_LIMIT + 512;
/// How long a claim holds without its worker: a dead worker delays its objects this long.
pub const LEASE: Duration = Duration::from_mins(2);
/// A lease lasts this many times as long as a batch is open, or a slow worker is taken for dead.
pub const LEASE_PER_BATCH_AGE_MIN: u32 = 3;
/// A message stays invisible this many times as long as a claim holds. It is renewed at half of it, so
/// the message of a dead worker comes back when its claims are over, and no receive is wasted on a wait.
pub const MESSAGE_LEASES: u32 = 2;
/// SQS hides a message for twelve hours at most, counted from its receipt.
pub const LEASE_MAX: Duration = Duration::from_hours(12);
/// The most series that one metric may ask for; a label with more values is better a column.
pub const SERIES_MAX_LIMIT: usize = 100_000;

const _: () = assert!(
    LEASE.as_secs() >= LAKE_BATCH_AGE_MAX.as_secs() * 3 && LEASE_PER_BATCH_AGE_MIN == 3,
    "the default lease outlasts three default batches"
);
const _: () = assert!(
    READ_TIMEOUT.as_secs() > RECEIVE_WAIT.as_secs(),
    "a long poll ends before its timeout"
);
const _: () = assert!(
    STOP_FILL_MAX.as_secs() < STOP_MAX.as_secs()
        && STOP_MAX.as_secs() + TRACES_STOP_MAX.as_secs() + STOP_THREADS_MAX.as_secs() < 30,
    "a stop ends before Kubernetes and ECS kill"
);
const _: () = assert!(
    MEMORY_BYTES_MAX >= LAKE_BATCH_BYTES_MAX * MEMORY_PER_BATCH_MIN,
    "the default memory holds two default batches"
);

// --- notification -------------------------------------------------------------------------

/// An SQS message is at most 1 MiB (domain: CreateQueue reference); more is not from SQS.
pub const NOTIFICATION_BYTES_MAX: u64 = MIB;
/// Envelopes nest at most SNS in EventBridge in SNS; deeper is not AWS's.
pub const NOTIFICATION_NESTING_MAX: usize = 4;

// --- object -------------------------------------------------------------------------------

/// Inflated bytes of one object. A CloudTrail file is at most 50 MB compressed and inflates about
/// 20-fold; 4 GiB leaves room and stops a gzip bomb.
pub const OBJECT_INFLATED_BYTES_MAX: u64 = 4096 * MIB;
/// A Parquet flow log is read whole, because its footer is at the end. AWS closes one at 75 MB.
pub const PARQUET_OBJECT_BYTES_MAX: u64 = 256 * MIB;
/// Rows of a Parquet flow log for each of its bytes. Equal rows cost next to nothing, but real ones
/// differ in times and counts and take some bytes each; a kilobyte may not ask for a day's work.
pub const PARQUET_ROWS_PER_BYTE_MAX: usize = 256;
/// Inflated bytes made at a time: large enough that a decoder sees whole lines, small enough to
/// stay in a core's cache.
pub const INFLATE_BUFFER_BYTES: usize = 64 * 1024;
/// An object of so many compressed bytes at most is held whole, to be inflated in one go, as nearly all
/// logs are; for larger ones a stream costs less memory than it costs time.
pub const WHOLE_COMPRESSED_BYTES_MAX: usize = 8 * 1024 * 1024;
/// And comes out as so many at most: what one decoder holds on top.
pub const WHOLE_INFLATED_BYTES_MAX: usize = 32 * 1024 * 1024;
/// In memory of so many bytes or a multiple: objects of one log are of about one size, and the next one
/// finds room for it. What of it is not needed is not touched, and costs nothing.
pub const WHOLE_INFLATED_STEP_BYTES: usize = 4 * 1024 * 1024;
/// Memory for such objects that is kept between batches, when for a while none is read: of two of them.
pub const WHOLE_SPARE_MAX: usize = 2;
/// How many bytes are looked at to tell what an object is.
pub const SNIFF_BYTES: usize = 4096;

/// Chunks of one object that wait for the decoder; S3 sends them at some 16 to 64 KiB.
pub const BODY_CHUNKS_MAX: usize = 64;
/// Times that one download is opened, the first included, before the message goes back.
pub const GET_ATTEMPTS_MAX: u32 = 5;
/// How much of a file is read at a time.
pub const FILE_READ_BYTES: usize = 128 * 1024;

// --- decode -------------------------------------------------------------------------------

/// Rows of one Arrow batch: large enough to pay for a query's start, small enough to hold many.
pub const BATCH_ROWS_MAX: usize = 8192;
/// Rows that a builder has room for at first: many objects hold a handful of records.
pub const BATCH_ROWS_FIRST: usize = 16;
/// Text bytes of one Arrow batch; a batch is handed on when either limit is reached.
pub const BATCH_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Names of a column that one batch hands to the next: those of a log that is open, and few of them.
pub const NAMES_BYTES_MAX: usize = 256 * 1024;
/// One CloudTrail record. AWS cuts them at 256 KB (domain 1.3); 4 MiB is sixteen times that.
pub const RECORD_BYTES_MAX: usize = 4 * 1024 * 1024;
/// How much is read at a time into the window that records are parsed from: about a hundred
/// records, so that parsing the one that was cut again costs one in a hundred.
pub const WINDOW_READ_BYTES: usize = 256 * 1024;
/// Nesting of one record's JSON. Real records stay under 20.
pub const JSON_NESTING_MAX: usize = 128;
/// Texts in texts that are searched for secrets, each one JSON that another holds as a string. Each such
/// level about doubles the backslashes; two are seen, more are nobody's.
pub const JSON_TEXTS_MAX: usize = 4;
/// One flow-log line. All 70 fields of version 11 with long tags stay under 4 KiB.
pub const LINE_BYTES_MAX: usize = 64 * 1024;
/// The excerpt of a rejected record that is kept beside its reason.
pub const EXCERPT_BYTES_MAX: usize = 256;

// --- signal -------------------------------------------------------------------------------

/// A metric that names no `series_max` of its own gets this many series.
pub const SERIES_MAX_DEFAULT: usize = 1000;
/// A counter's series in which nothing was counted for this time gives its place to another, if the
/// metric is full. Longer than any window of the shipped alerts, for it counts from 0 when it returns.
pub const SERIES_IDLE: Duration = Duration::from_hours(24);
/// How often a full metric looks for such series.
pub const SERIES_SWEEP_EVERY: Duration = Duration::from_mins(1);
/// A label value longer than this is cut, so that a log line cannot fill the memory of Prometheus.
pub const LABEL_BYTES_MAX: usize = 256;
/// The texts of an answer that `query` shows as a table, which must be whole to be as wide as its values.
pub const QUERY_TABLE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// A signal file is a page of text; more is a mistake.
pub const SIGNAL_FILE_BYTES_MAX: u64 = MIB;

// --- queue --------------------------------------------------------------------------------

/// 20 s is the longest wait SQS allows; shorter only costs money.
pub const RECEIVE_WAIT: Duration = Duration::from_secs(20);
/// SQS hands out at most ten messages a call.
pub const RECEIVE_MESSAGES_MAX: i32 = 10;
/// A message that announces nothing readable comes again after this time, until the queue moves it
/// to its dead-letter queue: soon, but no spin where there is none.
pub const UNREADABLE_RETURN: Duration = Duration::from_secs(10);
/// For a connection to AWS.
pub const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
/// For the beginning of AWS's answer: longer than the longest wait of a receive.
pub const READ_TIMEOUT: Duration = Duration::from_secs(30);
/// For a whole request to the lake's store, which moves a few megabytes at most.
pub const STORE_TIMEOUT: Duration = Duration::from_secs(30);
/// Times that a request to the lake's store is tried again before its batch fails.
pub const STORE_RETRIES_MAX: usize = 4;
/// And no longer than this altogether: a stop must end, and a lease hold.
pub const STORE_RETRY_TIME_MAX: Duration = Duration::from_secs(20);
/// How often a message is received before its queue gives it up, where the queue does not say.
pub const RECEIVES_MAX_DEFAULT: u32 = 5;
/// A message whose object could not be read comes again after this time, three times longer after
/// each further receive: a minute's trouble must not use up its receives.
pub const RETRY_PAUSE: Duration = Duration::from_secs(10);
/// The same where the store asks for fewer requests: four such pauses are half an hour, and trying
/// harder is what it asks not to do.
pub const THROTTLED_PAUSE: Duration = Duration::from_mins(1);
/// The same where reading is denied: a person must act first.
pub const DENIED_PAUSE: Duration = Duration::from_mins(1);
/// The longest such pause.
pub const RETRY_PAUSE_MAX: Duration = Duration::from_mins(15);
/// Objects that a backfill holds at a time, some 350 bytes each: 175 MB. Listing a million once more costs a
/// thousand requests, where ingesting so many costs two million.
pub const LISTED_OBJECTS_MAX: usize = 500_000;
/// How long a listing waits for objects that are being worked on elsewhere.
pub const LISTING_WAIT: Duration = Duration::from_millis(50);

// --- doctor -------------------------------------------------------------------------------

/// Keys of a log bucket that are listed to find an object to read: one request gives no more.
pub const DOCTOR_KEYS_MAX: i32 = 1000;
/// A request to an address that is neither AWS nor the lake, whole.
pub const DOCTOR_REQUEST_MAX: Duration = Duration::from_secs(10);
/// A clock further from S3's than this has every request refused (`RequestTimeTooSkewed`).
pub const CLOCK_SKEW_MAX: Duration = Duration::from_mins(15);
/// And one further than this is worth a word: leases go by it.
pub const CLOCK_SKEW_NOTICED: Duration = Duration::from_secs(30);
/// With fewer receives than this no object is read alone before its last try (`queue/attempt.rs`).
pub const RECEIVES_FEW: u32 = 4;
/// Batches that there should be room for where the lake is a directory.
pub const LAKE_FREE_BATCHES_MIN: u64 = 16;

// --- lake ---------------------------------------------------------------------------------

/// Creates of one key that are refused although the key stays absent (S3's 409) before giving up.
pub const CREATE_ATTEMPTS_MAX: u32 = 5;
/// Pause before such a create is tried again, times the number of tries.
pub const CREATE_PAUSE: Duration = Duration::from_millis(50);
/// Batches that are remembered as published, with the names of their sources: some 300 KiB each at most.
pub const SETTLED_BATCHES_MAX: usize = 32;
/// Files of a batch that are published at once.
pub const PUBLISH_FILES_AT_ONCE: usize = 8;
/// Claims of one source that are lost to others before it is left to them.
pub const CLAIM_ATTEMPTS_MAX: u32 = 16;
/// Credentials are renewed this long before they expire.
pub const CREDENTIALS_RENEWAL: Duration = Duration::from_mins(5);
/// Parquet files that a batch keeps open: two days of hours. More, from objects with strange
/// times, close the one that was used longest ago.
pub const STAGED_FILES_OPEN_MAX: usize = 48;
/// Files that are closed and still on their way to the store: each waits for its answers.
pub const CLOSING_FILES_MAX: usize = 8;
/// Rows of one Parquet row group: what a reader skips or reads as a whole.
pub const ROW_GROUP_ROWS_MAX: usize = 128 * 1024;
/// Encoded bytes of a row group in memory before it leaves.
pub const ROW_GROUP_BYTES_MAX: usize = 8 * 1024 * 1024;
/// Bytes of an open file that wait to be sent as one part; S3 takes no smaller ones (CreateMultipartUpload).
pub const STAGED_PART_BYTES: usize = 5 * 1024 * 1024;
/// Rejected records of one object that are kept with an excerpt; the rest are only counted.
pub const REJECTS_KEPT_MAX: usize = 100;

// --- pipeline -----------------------------------------------------------------------------

/// Decoded pieces of all objects that wait for one lane: a batch of rows each.
pub const PIECES_MAX: usize = 4;
/// Rows that wait for evaluation, in bytes: many small objects share one run of the queries.
pub const PENDING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// Rows of an Arrow batch that is worth a run of the queries by itself; smaller ones are joined.
pub const JOIN_ROWS_MIN: usize = 1024;
/// Small batches that wait to be joined.
pub const JOIN_BATCHES_MAX: usize = 64;
/// And their bytes: what joins is copied, and held twice meanwhile.
pub const JOIN_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Event ids that are remembered to suppress duplicates, and as many shared ids: between half and
/// all of it. AWS delivers copies 0 to 5 minutes apart; this is five minutes at 3,000 events a
/// second. Two sets of 917,504 ids of 16 bytes fill their tables exactly: 36 MiB. The open batch
/// has as much for its own.
pub const WINDOW_EVENTS_MAX: usize = 2 * 917_504;
/// After a start, and beside other workers, batches committed up to this long ago are learned.
pub const WINDOW_AGE_MAX: Duration = Duration::from_hours(24);
/// Decisions that are read at once while learning what was committed.
pub const LEARN_DECISIONS_MAX: usize = 16;
/// Files whose id columns are read at once: each holds up to a batch of ids in memory.
pub const LEARN_FILES_MAX: usize = 2;
/// How often it is looked for what other workers committed, at most, where batches are shorter than their greatest
/// age: a listing each time, and copies of events land twice for no longer.
pub const LEARN_EVERY: Duration = Duration::from_secs(2);
/// A batch that is open this long is not renewed any more: something hangs, and others take over.
pub const BATCH_OPEN_MAX: Duration = Duration::from_hours(1);
/// Access keys and sessions of pods that are remembered: a fleet of 5,000 pods that renew every hour, over
/// ten hours. About 250 bytes each.
pub const PODS_MAX: usize = 100_000;
/// The longest that credentials of a role are valid: twelve hours (IAM, `MaxSessionDuration`).
pub const CREDENTIALS_AGE_MAX: Duration = Duration::from_hours(12);
/// How much older than its issue a use of a session may look: clocks of two services differ.
pub const SESSION_EARLY_MAX: Duration = Duration::from_mins(5);
/// The most that one page of a Parquet flow log may inflate to. Writers cut at a mebibyte; a
/// dictionary may be some times larger.
pub const PARQUET_PAGE_BYTES_MAX: u64 = 64 * MIB;
/// A signal over rollups runs this often at most: each run lists and reads them.
pub const SCHEDULE_EVERY_MIN: Duration = Duration::from_mins(1);
/// The first runs come so long after the start, when the first batches may be in the lake.
pub const SCHEDULE_FIRST: Duration = Duration::from_secs(15);
/// How far back its views reach unless it says so.
pub const SCHEDULE_OVER: Duration = Duration::from_hours(24);
/// And how far at most.
pub const SCHEDULE_OVER_MAX: Duration = Duration::from_hours(32 * 24);
/// Files of rollups that are read at once: a day has a file for each batch that found something.
pub const SCHEDULE_FILES_MAX: usize = 8;
/// A run that takes longer is given up: the signals behind it wait.
pub const SCHEDULE_RUN_MAX: Duration = Duration::from_mins(10);
/// After so many failed runs in a row the series of the last good one are taken away.
pub const SCHEDULE_FAILURES_MAX: u32 = 3;
/// What the queries over rollups may hold at once.
pub const SCHEDULE_BYTES_MAX: usize = 64 * 1024 * 1024;
/// And what they remember of files from run to run: a thousand footers or so, the hours of a day.
pub const SCHEDULE_FOOTERS_BYTES_MAX: usize = 8 * 1024 * 1024;
/// And of the files themselves, for they are small, and each run asks for the same again: 6,000 of them or so.
pub const SCHEDULE_FILES_BYTES_MAX: usize = 32 * 1024 * 1024;
/// A larger file is read in parts, each time: what a signal over rollups uses of it is some columns.
pub const SCHEDULE_FILE_BYTES_MAX: u64 = 256 * 1024;
/// A lease is renewed this many times in its length.
pub const RENEWALS_PER_LEASE: u32 = 3;
/// How often the objects of a delivery are tried one by one, to find those that fail its batch.
pub const BLAME_SEARCHES_MAX: u32 = 2;
/// Readings that fail in a row, of whatever objects, before it is held to be an outage of the
/// store and not a fault of the objects.
pub const OUTAGE_FAILURES: u32 = 8;
/// How lately others of its bucket must have been read for an object that cannot be to be set aside: the
/// time between its last try and the one before (`queue/attempt.rs`).
pub const READ_LATELY: Duration = Duration::from_secs(90);
/// Throttles within this time of each other are answers to one burst, and halve the concurrency
/// once.
pub const THROTTLE_COOLDOWN: Duration = Duration::from_secs(5);
/// Workers that ended while they had an object claimed, before it is held to be the cause.
pub const POISON_DEATHS_MIN: usize = 2;
/// After an order to stop, the open batch has this long to take what was begun; then it is
/// abandoned. Kubernetes and ECS kill 30 s after their SIGTERM.
pub const STOP_FILL_MAX: Duration = Duration::from_secs(12);
/// After an order to stop, everything ends within this time, whatever the lake does.
pub const STOP_MAX: Duration = Duration::from_secs(25);
/// Threads that still decode when all is over are left to the end of the process after this time.
pub const STOP_THREADS_MAX: Duration = Duration::from_secs(2);
/// What traces are left to send has this long, behind [`STOP_MAX`]: an endpoint may not answer.
pub const TRACES_STOP_MAX: Duration = Duration::from_secs(2);
/// Objects of one batch: a backlog of digests and duplicates has no rows that would close it, and
/// whoever meets one of its objects again reads the decision that names them all, some 130 KiB.
pub const BATCH_OBJECTS_MAX: usize = 2_000;
/// Partial rows of one signal in memory before they are merged, in bytes; if they are more when
/// merged, they are staged.
pub const PARTIAL_BYTES_MAX: usize = 4 * 1024 * 1024;
/// A merge that leaves more of every hundred rows than this was not worth it: they are staged as they are.
pub const MERGED_PERCENT_MAX: usize = 75;
/// Partial rows of all signals, in bytes, before those of more than a sixteenth of the above are
/// staged; a batch that cannot do so closes.
pub const PARTIALS_BYTES_MAX: usize = 32 * 1024 * 1024;
/// Batches in a row that the lake failed, after which a batch takes one object at a time: each that
/// is received and not claimed uses up one of its receives.
pub const LAKE_FAILURES_ALONE: u32 = 3;
/// How long the redrive policy of a queue is held to be as it was.
pub const REDRIVE_POLICY_AGE_MAX: Duration = Duration::from_mins(10);
/// How long what was assumed of it stands, when it could not be read.
pub const REDRIVE_POLICY_ASSUMED: Duration = Duration::from_mins(1);
/// Batches of a single delivery each after a batch was spoiled, so that the guilty one fails alone.
pub const ALONE_BATCHES: u32 = 16;
/// Times that a listed object is tried before a backfill goes on without it.
pub const LISTED_ATTEMPTS_MAX: u32 = 5;
/// A batch closes when its rows are of so many hours, or days: each is a file of a table, each day one of every
/// rollup, and the decision names them all.
pub const BATCH_HOURS_FULL: usize = 2_000;
/// The same, of days.
pub const BATCH_DAYS_FULL: usize = 200;
/// More hours than this are no batch: an object whose times lie anywhere is quarantined alone. Above what the
/// objects in flight may add to a batch that is full.
pub const BATCH_HOURS_MAX: usize = 10_000;
/// The same, of days.
pub const BATCH_DAYS_MAX: usize = 1_000;
/// How often histograms fold what they observed, also when nobody scrapes.
pub const METRICS_UPKEEP_EVERY: Duration = Duration::from_secs(5);
/// How far a log's clock may be ahead of ours: a row of a later time does not count as the newest.
pub const CLOCKS_APART_MAX: Duration = Duration::from_mins(10);
/// Batches that could not be abandoned and are tried again before the next one; more wait for their leases.
pub const UNDECIDED_BATCHES_MAX: usize = 100;
/// Pause after the store or the queue failed, before the next attempt.
pub const FAILURE_PAUSE: Duration = Duration::from_secs(1);
/// The longest such pause, after several failures in a row.
pub const FAILURE_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How often a watched directory is looked through.
pub const DIRECTORY_SCAN_EVERY: Duration = Duration::from_secs(1);

// --- seal ---------------------------------------------------------------------------------

/// An hour of events is sealed when it has been over for so long: what comes later is little (domain 1.1: CloudTrail
/// delivers within 15 minutes, mostly).
pub const SEAL_AFTER: Duration = Duration::from_hours(1);
/// So many files are worth sealing, also into a file that is there already, and before their day is over.
pub const SEAL_FILES_MIN: usize = 16;
/// Fewer are, when they have at least this part of the bytes of what is sealed.
pub const SEAL_SHARE_MIN: u64 = 8;
/// Any is, when its hour or day has been over for so long.
pub const SEAL_SETTLED_AFTER: Duration = Duration::from_hours(48);
/// A file stays for so long after it was replaced: queries read it that began before, and so do workers that look
/// back [`WINDOW_AGE_MAX`].
pub const SEAL_KEEP: Duration = Duration::from_hours(48);
/// Clocks of machines that use one lake differ by less: S3 refuses requests of one that is off by 15 minutes.
pub const SEAL_SKEW_MAX: Duration = Duration::from_mins(30);
/// Files are merged up to this part of the memory for it: the bytes of files, which are some ten times as many in
/// memory, and sorting copies them. What is more in a folder becomes another sealed file.
pub const SEAL_INPUT_SHARE: usize = 20;
/// A sealed file of this part of what is merged at once stays as it is.
pub const SEALED_LARGE_SHARE: u64 = 2;
/// Memory for a partition of what is merged: it reserves 10 MiB, and sorts for itself.
pub const SEAL_PARTITION_BYTES: usize = 256 * 1024 * 1024;
/// More partitions hold more at a time, and sealing is in no hurry.
pub const SEAL_PARTITIONS_MAX: usize = 2;
/// Rows that are sorted at a time.
pub const SEAL_ROWS_AT_A_TIME: usize = 8192;
/// And when there was no room for that: an event may be of 256 KiB.
pub const SEAL_WIDE_ROWS_AT_A_TIME: usize = 256;
/// Ids of events are compared in so many parts.
pub const SEAL_TWIN_PARTS: u32 = 4;
/// Footers of files that are looked at at once before they are sealed, and requests for objects of the protocol.
pub const SEAL_READS_MAX: usize = 16;
/// Bytes of files that are kept while they are sealed: their footers are read before their rows.
pub const SEAL_KEPT_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Who reads the lake looks for new seals after so long; a replaced file stays much longer.
pub const SEALS_KNOWN_FOR: Duration = Duration::from_secs(30);
/// Seals that are read at once: one for each day.
pub const SEALS_READ_AT_ONCE: usize = 32;

const _: () = assert!(
    SEAL_KEEP.as_secs() > WINDOW_AGE_MAX.as_secs() + BATCH_OPEN_MAX.as_secs() + LEASE_MAX.as_secs(),
    "the files of batches that the window of events is rebuilt from are still there"
);
