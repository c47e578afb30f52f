-- Events are append-only; everything that must never happen twice is a unique
-- index, so that no reading of the code is needed to believe it.
CREATE TABLE event(
  seq         INTEGER PRIMARY KEY,
  run_id      TEXT    NOT NULL,
  run_seq     INTEGER NOT NULL CHECK (run_seq > 0),
  epoch       INTEGER NOT NULL,               -- 0: written without a lease
  wall_ns     INTEGER NOT NULL,
  mono_ns     INTEGER NOT NULL,               -- since boot_id began, counting sleep
  boot_id     TEXT    NOT NULL,
  actor       TEXT    NOT NULL,
  type        TEXT    NOT NULL,
  step_id     TEXT    NOT NULL,
  target      TEXT    NOT NULL,
  attempt_no  INTEGER NOT NULL,
  attempt_id  TEXT,
  outcome_of  TEXT,                           -- the attempt that this event closes
  grant_id    TEXT,                           -- the grant that this event uses up
  payload     BLOB,                           -- NULL: scrubbed
  payload_sha BLOB    NOT NULL,
  prev        BLOB    NOT NULL,
  hash        BLOB    NOT NULL UNIQUE,
  UNIQUE (run_id, run_seq)
) STRICT;
CREATE UNIQUE INDEX one_intent  ON event(run_id, step_id, target, attempt_no) WHERE type = 'Intent';
CREATE UNIQUE INDEX one_attempt ON event(attempt_id) WHERE type = 'Intent';
CREATE UNIQUE INDEX one_outcome ON event(outcome_of) WHERE outcome_of IS NOT NULL;
CREATE UNIQUE INDEX one_use     ON event(run_id, grant_id) WHERE grant_id IS NOT NULL;
CREATE INDEX run_closed ON event(run_id, run_seq) WHERE type = 'RunClosed';

CREATE TRIGGER event_kept BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'an event is never deleted'); END;
CREATE TRIGGER event_fixed BEFORE UPDATE OF seq, run_id, run_seq, epoch, wall_ns, mono_ns, boot_id, actor, type,
  step_id, target, attempt_no, attempt_id, outcome_of, grant_id, payload_sha, prev, hash ON event
BEGIN SELECT RAISE(ABORT, 'an event is never changed'); END;
CREATE TRIGGER event_scrubbed BEFORE UPDATE OF payload ON event WHEN NEW.payload IS NOT NULL
BEGIN SELECT RAISE(ABORT, 'a payload is only ever scrubbed'); END;

CREATE TABLE lease(
  run_id   TEXT    PRIMARY KEY,
  epoch    INTEGER NOT NULL,
  holder   TEXT    NOT NULL,                  -- boot id, pid and start time: a pid alone is used again
  name     TEXT    NOT NULL,                  -- for people
  taken_ns INTEGER NOT NULL,
  beat_ns  INTEGER NOT NULL,
  released INTEGER NOT NULL
) STRICT;
CREATE TRIGGER lease_kept BEFORE DELETE ON lease
BEGIN SELECT RAISE(ABORT, 'a lease is never deleted'); END;
CREATE TRIGGER lease_grows BEFORE UPDATE OF epoch ON lease WHEN NEW.epoch < OLD.epoch
BEGIN SELECT RAISE(ABORT, 'an epoch never goes back'); END;

CREATE TABLE chunk(
  attempt TEXT    NOT NULL,
  stream  INTEGER NOT NULL,
  off     INTEGER NOT NULL,
  len     INTEGER NOT NULL CHECK (len > 0),   -- before compression
  wall_ns INTEGER NOT NULL,
  codec   INTEGER NOT NULL,                   -- 0 plain, 1 deflate
  data    BLOB    NOT NULL,
  PRIMARY KEY (attempt, stream, off)
) STRICT;

CREATE TABLE blob(sha TEXT PRIMARY KEY, data BLOB NOT NULL) STRICT;
