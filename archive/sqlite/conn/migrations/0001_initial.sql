-- Free space: 0 times the archive's size.
--
-- The first schema. FORMAT.md explains every table; the views, which are the
-- public contract, are generated from the registry (views.go).

-- What Heapster keeps a metric set for. Names that do not apply are ''.
CREATE TABLE entity (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  kind TEXT NOT NULL,
  namespace TEXT NOT NULL,
  pod TEXT NOT NULL,
  container TEXT NOT NULL,
  node TEXT NOT NULL,
  labels TEXT NOT NULL,
  first_seen INTEGER NOT NULL,
  last_seen INTEGER            -- NULL while Heapster lists it
);
CREATE UNIQUE INDEX entity_key ON entity (kind, namespace, pod, container, node, labels, cluster);
CREATE INDEX entity_recent ON entity (cluster, last_seen);
CREATE INDEX entity_labelled ON entity (labels) WHERE labels <> '';

CREATE TABLE metric (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE,
  column_name TEXT,            -- this and what follows: NULL outside the registry
  unit TEXT,
  type TEXT,
  description TEXT
);

-- One row per cluster: the newest batch that the last pass knew to be whole.
CREATE TABLE cluster_state (
  cluster TEXT PRIMARY KEY,
  horizon INTEGER NOT NULL
) WITHOUT ROWID;

-- Up to where, inclusive and on Heapster's clock, a scope was read whole.
CREATE TABLE watermark (
  cluster TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,          -- namespace or node; '' for the cluster
  part TEXT NOT NULL,          -- '' (by name), 'standard' or 'labelled'
  ts INTEGER NOT NULL,
  PRIMARY KEY (cluster, kind, name, part)
) WITHOUT ROWID;

-- The metrics that a scope has been asked for.
CREATE TABLE asked (
  cluster TEXT NOT NULL,
  kind TEXT NOT NULL,
  name TEXT NOT NULL,
  part TEXT NOT NULL,
  metric_id INTEGER NOT NULL REFERENCES metric (id),
  PRIMARY KEY (cluster, kind, name, part, metric_id)
) WITHOUT ROWID;

-- Metrics that are not asked for of every entity, and that this one was seen
-- to carry: outside the registry, or rare.
CREATE TABLE carried (
  entity_id INTEGER NOT NULL REFERENCES entity (id),
  metric_id INTEGER NOT NULL REFERENCES metric (id),
  PRIMARY KEY (entity_id, metric_id)
) WITHOUT ROWID;

-- The incarnations of pods. valid_to is NULL for the present one; ranges are
-- closed at both ends and do not overlap.
CREATE TABLE pod_identity (
  entity_id INTEGER NOT NULL REFERENCES entity (id),
  uid TEXT NOT NULL,
  node TEXT NOT NULL,
  labels TEXT NOT NULL,
  images TEXT NOT NULL,        -- container=image, joined by commas
  owner_kind TEXT NOT NULL,    -- this and the next: '' where not known
  owner TEXT NOT NULL,
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  PRIMARY KEY (entity_id, uid)
) WITHOUT ROWID;

-- The labels that namespaces have had; those without any have no row. Times as
-- in pod_identity.
CREATE TABLE namespace_label (
  cluster TEXT NOT NULL,
  namespace TEXT NOT NULL,
  labels TEXT NOT NULL,        -- key:value, joined by commas
  valid_from INTEGER NOT NULL,
  valid_to INTEGER,
  PRIMARY KEY (cluster, namespace, valid_from)
) WITHOUT ROWID;

-- Up to where, inclusive, the rows of a hot table have moved to its cold one.
-- Later rows at or before this go straight to cold.
CREATE TABLE compaction (
  table_name TEXT PRIMARY KEY,
  ts INTEGER NOT NULL
) WITHOUT ROWID;

-- The ledger.
CREATE TABLE pass (
  id INTEGER PRIMARY KEY,
  cluster TEXT NOT NULL,
  version TEXT NOT NULL,       -- of heapstash
  started INTEGER NOT NULL,
  finished INTEGER,
  duration_ms INTEGER,
  outcome TEXT NOT NULL,
  error TEXT,
  requests INTEGER,
  bytes INTEGER,
  entities INTEGER,
  samples_new INTEGER,
  samples_duplicate INTEGER,
  conflicts INTEGER,
  newest INTEGER,
  horizon INTEGER,
  gap_seconds INTEGER
);
CREATE INDEX pass_running ON pass (id) WHERE outcome = 'running';

CREATE TABLE hole (
  id INTEGER PRIMARY KEY,
  pass_id INTEGER NOT NULL REFERENCES pass (id),
  kind TEXT NOT NULL,          -- '' for the whole pass
  namespace TEXT NOT NULL,
  pod TEXT NOT NULL,
  container TEXT NOT NULL,
  node TEXT NOT NULL,
  labels TEXT NOT NULL,
  metric TEXT NOT NULL,        -- '' for all
  cause TEXT NOT NULL,
  detail TEXT NOT NULL,
  from_ts INTEGER,             -- the time that is missing, closed at both
  to_ts INTEGER,               -- ends; NULL where none is lost or it is unknown
  lasting INTEGER NOT NULL
);
CREATE INDEX hole_pass ON hole (pass_id);
CREATE INDEX hole_lasting ON hole (kind, namespace, node) WHERE lasting;

-- A second value for a sample that the archive already had: the first stays.
CREATE TABLE conflict (
  entity_id INTEGER NOT NULL REFERENCES entity (id),
  metric_id INTEGER NOT NULL REFERENCES metric (id),
  ts INTEGER NOT NULL,
  kept NOT NULL,
  refused NOT NULL,
  pass_id INTEGER NOT NULL REFERENCES pass (id),
  PRIMARY KEY (entity_id, metric_id, ts)
) WITHOUT ROWID;

-- Text that heapstash keeps about the file itself.
CREATE TABLE setting (
  name TEXT PRIMARY KEY,
  value TEXT NOT NULL
) WITHOUT ROWID;

-- By which an archive is told from another one.
INSERT INTO setting (name, value) VALUES ('archive_id', lower(hex(randomblob(16))));

-- Samples without a column of their own: custom metrics, and whatever a newer
-- Heapster adds.
CREATE TABLE narrow_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  metric_id INTEGER NOT NULL,
  value NOT NULL,
  PRIMARY KEY (ts, entity_id, metric_id)
) WITHOUT ROWID;

CREATE TABLE narrow_cold (
  entity_id INTEGER NOT NULL,
  metric_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  value NOT NULL,
  PRIMARY KEY (entity_id, metric_id, ts)
) WITHOUT ROWID;

-- The wide tables, a hot and a cold one per kind and labelled family. Value
-- columns have no affinity: 2.0 stays a float.
CREATE TABLE cluster_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  cpu_limit,
  cpu_request,
  cpu_usage_rate,
  memory_limit,
  memory_request,
  memory_usage,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE cluster_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  cpu_limit,
  cpu_request,
  cpu_usage_rate,
  memory_limit,
  memory_request,
  memory_usage,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE node_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  cpu_limit,
  cpu_load,
  cpu_node_allocatable,
  cpu_node_capacity,
  cpu_node_reservation,
  cpu_node_utilization,
  cpu_request,
  cpu_usage,
  cpu_usage_rate,
  ephemeral_storage_limit,
  ephemeral_storage_node_allocatable,
  ephemeral_storage_node_capacity,
  ephemeral_storage_node_reservation,
  ephemeral_storage_node_utilization,
  ephemeral_storage_request,
  ephemeral_storage_usage,
  memory_cache,
  memory_limit,
  memory_major_page_faults,
  memory_major_page_faults_rate,
  memory_node_allocatable,
  memory_node_capacity,
  memory_node_reservation,
  memory_node_utilization,
  memory_page_faults,
  memory_page_faults_rate,
  memory_request,
  memory_rss,
  memory_usage,
  memory_working_set,
  network_rx,
  network_rx_errors,
  network_rx_errors_rate,
  network_rx_rate,
  network_tx,
  network_tx_errors,
  network_tx_errors_rate,
  network_tx_rate,
  uptime,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE node_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  cpu_limit,
  cpu_load,
  cpu_node_allocatable,
  cpu_node_capacity,
  cpu_node_reservation,
  cpu_node_utilization,
  cpu_request,
  cpu_usage,
  cpu_usage_rate,
  ephemeral_storage_limit,
  ephemeral_storage_node_allocatable,
  ephemeral_storage_node_capacity,
  ephemeral_storage_node_reservation,
  ephemeral_storage_node_utilization,
  ephemeral_storage_request,
  ephemeral_storage_usage,
  memory_cache,
  memory_limit,
  memory_major_page_faults,
  memory_major_page_faults_rate,
  memory_node_allocatable,
  memory_node_capacity,
  memory_node_reservation,
  memory_node_utilization,
  memory_page_faults,
  memory_page_faults_rate,
  memory_request,
  memory_rss,
  memory_usage,
  memory_working_set,
  network_rx,
  network_rx_errors,
  network_rx_errors_rate,
  network_rx_rate,
  network_tx,
  network_tx_errors,
  network_tx_errors_rate,
  network_tx_rate,
  uptime,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE namespace_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  cpu_limit,
  cpu_request,
  cpu_usage_rate,
  memory_limit,
  memory_request,
  memory_usage,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE namespace_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  cpu_limit,
  cpu_request,
  cpu_usage_rate,
  memory_limit,
  memory_request,
  memory_usage,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE pod_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  cpu_limit,
  cpu_load,
  cpu_request,
  cpu_usage_rate,
  ephemeral_storage_limit,
  ephemeral_storage_request,
  ephemeral_storage_usage,
  memory_cache,
  memory_limit,
  memory_major_page_faults_rate,
  memory_page_faults_rate,
  memory_request,
  memory_rss,
  memory_usage,
  memory_working_set,
  network_rx,
  network_rx_errors,
  network_rx_errors_rate,
  network_rx_rate,
  network_tx,
  network_tx_errors,
  network_tx_errors_rate,
  network_tx_rate,
  restart_count,
  uptime,
  accelerator_request,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE pod_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  cpu_limit,
  cpu_load,
  cpu_request,
  cpu_usage_rate,
  ephemeral_storage_limit,
  ephemeral_storage_request,
  ephemeral_storage_usage,
  memory_cache,
  memory_limit,
  memory_major_page_faults_rate,
  memory_page_faults_rate,
  memory_request,
  memory_rss,
  memory_usage,
  memory_working_set,
  network_rx,
  network_rx_errors,
  network_rx_errors_rate,
  network_rx_rate,
  network_tx,
  network_tx_errors,
  network_tx_errors_rate,
  network_tx_rate,
  restart_count,
  uptime,
  accelerator_request,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE container_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  cpu_limit,
  cpu_load,
  cpu_request,
  cpu_usage,
  cpu_usage_rate,
  ephemeral_storage_limit,
  ephemeral_storage_request,
  ephemeral_storage_usage,
  memory_cache,
  memory_limit,
  memory_major_page_faults,
  memory_major_page_faults_rate,
  memory_page_faults,
  memory_page_faults_rate,
  memory_request,
  memory_rss,
  memory_usage,
  memory_working_set,
  restart_count,
  uptime,
  accelerator_request,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE container_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  cpu_limit,
  cpu_load,
  cpu_request,
  cpu_usage,
  cpu_usage_rate,
  ephemeral_storage_limit,
  ephemeral_storage_request,
  ephemeral_storage_usage,
  memory_cache,
  memory_limit,
  memory_major_page_faults,
  memory_major_page_faults_rate,
  memory_page_faults,
  memory_page_faults_rate,
  memory_request,
  memory_rss,
  memory_usage,
  memory_working_set,
  restart_count,
  uptime,
  accelerator_request,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE system_container_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  cpu_load,
  cpu_usage,
  cpu_usage_rate,
  memory_cache,
  memory_major_page_faults,
  memory_major_page_faults_rate,
  memory_page_faults,
  memory_page_faults_rate,
  memory_rss,
  memory_usage,
  memory_working_set,
  uptime,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE system_container_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  cpu_load,
  cpu_usage,
  cpu_usage_rate,
  memory_cache,
  memory_major_page_faults,
  memory_major_page_faults_rate,
  memory_page_faults,
  memory_page_faults_rate,
  memory_rss,
  memory_usage,
  memory_working_set,
  uptime,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE filesystem_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  filesystem_available,
  filesystem_inodes,
  filesystem_inodes_free,
  filesystem_limit,
  filesystem_usage,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE filesystem_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  filesystem_available,
  filesystem_inodes,
  filesystem_inodes_free,
  filesystem_limit,
  filesystem_usage,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE disk_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  disk_io_read_bytes,
  disk_io_read_bytes_rate,
  disk_io_write_bytes,
  disk_io_write_bytes_rate,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE disk_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  disk_io_read_bytes,
  disk_io_read_bytes_rate,
  disk_io_write_bytes,
  disk_io_write_bytes_rate,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;

CREATE TABLE accelerator_hot (
  ts INTEGER NOT NULL,
  entity_id INTEGER NOT NULL,
  accelerator_duty_cycle,
  accelerator_memory_total,
  accelerator_memory_used,
  PRIMARY KEY (ts, entity_id)
) WITHOUT ROWID;

CREATE TABLE accelerator_cold (
  entity_id INTEGER NOT NULL,
  ts INTEGER NOT NULL,
  accelerator_duty_cycle,
  accelerator_memory_total,
  accelerator_memory_used,
  PRIMARY KEY (entity_id, ts)
) WITHOUT ROWID;
