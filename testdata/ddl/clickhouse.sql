-- The lake of trailflow at s3://example-lake/trailflow, for ClickHouse.
-- Made by `trailflow ddl`: make it again after an upgrade, or when signals come or go.
-- What `trailflow compact` sealed is read in place of what it replaced, 10 minutes after it was.
-- A list or a map that is absent is an empty one here.
-- Credentials are the server's (use_environment_credentials), or those of a named collection.

CREATE OR REPLACE VIEW "trailflow_seals" AS
SELECT day, argMax(files, generation) AS files, argMax(batches, generation) AS batches, argMax(unsealed, generation) AS unsealed
FROM s3('s3://example-lake/trailflow/seals/*/*.json', 'JSONEachRow', 'day String, generation UInt32, sealed_at String, files Array(Tuple(path String, rows UInt64, bytes UInt64)), batches Array(String), unsealed Array(String)')
WHERE parseDateTime64BestEffort(sealed_at, 3, 'UTC') <= now() - INTERVAL 10 MINUTE
GROUP BY day;

CREATE OR REPLACE VIEW "trailflow_sealed_files" AS
SELECT tupleElement(arrayJoin(files), 'path') AS path FROM trailflow_seals;

CREATE OR REPLACE VIEW "trailflow_replaced" AS
SELECT concat(day, ' ', arrayJoin(batches)) AS batch FROM trailflow_seals;

CREATE OR REPLACE VIEW "trailflow_unsealed" AS
SELECT arrayJoin(unsealed) AS path FROM trailflow_seals;

CREATE OR REPLACE VIEW "flow_logs" AS
SELECT "version", "account_id", "interface_id", "src", "dst", "pkt_src", "pkt_dst", "srcport", "dstport", "protocol", "packets", "bytes", "ts_start", "ts_end", "action", "log_status", "vpc_id", "subnet_id", "instance_id", "tcp_flags", "type", "region", "az_id", "sublocation_type", "sublocation_id", "src_service", "dst_service", "flow_direction", "traffic_path", "ecs_cluster_arn", "ecs_cluster_name", "ecs_container_instance_arn", "ecs_container_instance_id", "ecs_container_id", "ecs_second_container_id", "ecs_service_name", "ecs_task_definition_arn", "ecs_task_arn", "ecs_task_id", "reject_reason", "resource_id", "encryption_status", "instance_tag", "instance_tag_2", "interface_tag", "interface_tag_2", "asg_tag", "asg_tag_2", "interface_type", "next_hop_interface_id", "next_hop_subnet_id", "next_hop_az_id", "next_hop_vpc_id", "next_hop_interface_type", "src_internal", "dst_internal", "reject_class", "extra", "src_bucket", "src_key", "line_no", extract(_path, '/event_date=([^/]+)/') AS "event_date", extract(_path, '/event_hour=([^/]+)/') AS "event_hour"
FROM s3('s3://example-lake/trailflow/{flow_logs,sealed/flow_logs}/**/*.parquet', 'Parquet', '`version` Nullable(Int32), `account_id` Nullable(String), `interface_id` Nullable(String), `src` Nullable(String), `dst` Nullable(String), `pkt_src` Nullable(String), `pkt_dst` Nullable(String), `srcport` Nullable(Int32), `dstport` Nullable(Int32), `protocol` Nullable(Int32), `packets` Nullable(Int64), `bytes` Nullable(Int64), `ts_start` Nullable(DateTime64(3, ''UTC'')), `ts_end` Nullable(DateTime64(3, ''UTC'')), `action` Nullable(String), `log_status` Nullable(String), `vpc_id` Nullable(String), `subnet_id` Nullable(String), `instance_id` Nullable(String), `tcp_flags` Nullable(Int32), `type` Nullable(String), `region` Nullable(String), `az_id` Nullable(String), `sublocation_type` Nullable(String), `sublocation_id` Nullable(String), `src_service` Nullable(String), `dst_service` Nullable(String), `flow_direction` Nullable(String), `traffic_path` Nullable(Int32), `ecs_cluster_arn` Nullable(String), `ecs_cluster_name` Nullable(String), `ecs_container_instance_arn` Nullable(String), `ecs_container_instance_id` Nullable(String), `ecs_container_id` Nullable(String), `ecs_second_container_id` Nullable(String), `ecs_service_name` Nullable(String), `ecs_task_definition_arn` Nullable(String), `ecs_task_arn` Nullable(String), `ecs_task_id` Nullable(String), `reject_reason` Nullable(String), `resource_id` Nullable(String), `encryption_status` Nullable(Int32), `instance_tag` Nullable(String), `instance_tag_2` Nullable(String), `interface_tag` Nullable(String), `interface_tag_2` Nullable(String), `asg_tag` Nullable(String), `asg_tag_2` Nullable(String), `interface_type` Nullable(String), `next_hop_interface_id` Nullable(String), `next_hop_subnet_id` Nullable(String), `next_hop_az_id` Nullable(String), `next_hop_vpc_id` Nullable(String), `next_hop_interface_type` Nullable(String), `src_internal` Nullable(Bool), `dst_internal` Nullable(Bool), `reject_class` Nullable(String), `extra` Map(String, Nullable(String)), `src_bucket` Nullable(String), `src_key` Nullable(String), `line_no` Nullable(Int64)')
WHERE if(endsWith(_path, '.sealed.parquet'),
    extract(_path, '(sealed/flow_logs/event_date=.*)') IN (SELECT path FROM trailflow_sealed_files),
    concat(extract(_path, '/event_date=([^/]+)/'), ' ', extract(_path, '([^/]{36})(-[0-9]+)?[.]parquet$')) NOT IN (SELECT batch FROM trailflow_replaced)
        OR extract(_path, '(flow_logs/event_date=.*)') IN (SELECT path FROM trailflow_unsealed));

CREATE OR REPLACE VIEW "ingest_log" AS
SELECT "source", "bucket", "key", "version_id", "etag", "kind", "outcome", "reason", "rows", "suppressed", "rejected", "compressed_bytes", "inflated_bytes", "inflated_sha256", "event_time_min", "event_time_max", "written_at", "sent_at", "received_at", "committed_at", "generation", "batch", extract(_path, '/ingest_date=([^/]+)/') AS "ingest_date"
FROM s3('s3://example-lake/trailflow/{ingest_log,sealed/ingest_log}/**/*.parquet', 'Parquet', '`source` Nullable(String), `bucket` Nullable(String), `key` Nullable(String), `version_id` Nullable(String), `etag` Nullable(String), `kind` Nullable(String), `outcome` Nullable(String), `reason` Nullable(String), `rows` Nullable(Int64), `suppressed` Nullable(Int64), `rejected` Nullable(Int64), `compressed_bytes` Nullable(Int64), `inflated_bytes` Nullable(Int64), `inflated_sha256` Nullable(String), `event_time_min` Nullable(DateTime64(3, ''UTC'')), `event_time_max` Nullable(DateTime64(3, ''UTC'')), `written_at` Nullable(DateTime64(3, ''UTC'')), `sent_at` Nullable(DateTime64(3, ''UTC'')), `received_at` Nullable(DateTime64(3, ''UTC'')), `committed_at` Nullable(DateTime64(3, ''UTC'')), `generation` Nullable(Int64), `batch` Nullable(String)')
WHERE if(endsWith(_path, '.sealed.parquet'),
    extract(_path, '(sealed/ingest_log/ingest_date=.*)') IN (SELECT path FROM trailflow_sealed_files),
    concat(extract(_path, '/ingest_date=([^/]+)/'), ' ', extract(_path, '([^/]{36})(-[0-9]+)?[.]parquet$')) NOT IN (SELECT batch FROM trailflow_replaced)
        OR extract(_path, '(ingest_log/ingest_date=.*)') IN (SELECT path FROM trailflow_unsealed));

CREATE OR REPLACE VIEW "long_lived_keys_partial" AS
SELECT "window_start", "account_id", "user_name", "service", "access_key_id", "calls", "first_seen", "last_seen", extract(_path, '/event_date=([^/]+)/') AS "event_date"
FROM s3('s3://example-lake/trailflow/{rollups/long_lived_keys,sealed/rollups/long_lived_keys}/**/*.parquet', 'Parquet', '`window_start` Nullable(DateTime64(3, ''UTC'')), `account_id` Nullable(String), `user_name` Nullable(String), `service` Nullable(String), `access_key_id` Nullable(String), `calls` Nullable(Int64), `first_seen` Nullable(Int64), `last_seen` Nullable(Int64)')
WHERE if(endsWith(_path, '.sealed.parquet'),
    extract(_path, '(sealed/rollups/long_lived_keys/event_date=.*)') IN (SELECT path FROM trailflow_sealed_files),
    concat(extract(_path, '/event_date=([^/]+)/'), ' ', extract(_path, '([^/]{36})(-[0-9]+)?[.]parquet$')) NOT IN (SELECT batch FROM trailflow_replaced)
        OR extract(_path, '(rollups/long_lived_keys/event_date=.*)') IN (SELECT path FROM trailflow_unsealed));

CREATE OR REPLACE VIEW "long_lived_keys" AS
SELECT
    p."window_start" AS "window_start",
    p."account_id" AS "account_id",
    p."user_name" AS "user_name",
    p."service" AS "service",
    p."access_key_id" AS "access_key_id",
    sum(p."calls") AS "calls",
    min(p."first_seen") AS "first_seen",
    max(p."last_seen") AS "last_seen",
    p."event_date" AS "event_date"
FROM "long_lived_keys_partial" AS p
GROUP BY p."window_start", p."account_id", p."user_name", p."service", p."access_key_id", p."event_date";
