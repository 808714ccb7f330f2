-- The lake of trailflow at s3://example-lake/trailflow, for Amazon Athena (engine version 3).
-- Made by `trailflow ddl`: make it again after an upgrade, or when signals come or go.
-- What `trailflow compact` sealed is read in place of what it replaced, 10 minutes after it was.
-- Athena runs one statement at a time, in the database that is chosen. Times are UTC.
-- A table that is there already stays as it is: DROP TABLE it first, which leaves its files.
-- Partitions are projected: nothing has to be added when a day begins. Rows of days before 2020-01-01 are
-- not seen: write an earlier day where you have them, a later one where not. Ask with a condition on
-- event_date (a text, such as '2026-01-31'): without one every hour since that day is looked for.

CREATE EXTERNAL TABLE IF NOT EXISTS `trailflow_seals_written` (
    `day` string,
    `generation` int,
    `sealed_at` string,
    `files` array<struct<path:string>>,
    `batches` array<string>,
    `unsealed` array<string>
)
ROW FORMAT SERDE 'org.openx.data.jsonserde.JsonSerDe'
LOCATION 's3://example-lake/trailflow/seals/';

CREATE OR REPLACE VIEW "trailflow_seals" AS
SELECT day, files, batches, unsealed
FROM (
    SELECT *, row_number() OVER (PARTITION BY day ORDER BY generation DESC) AS place
    FROM trailflow_seals_written
    WHERE from_iso8601_timestamp(sealed_at) <= current_timestamp - INTERVAL '10' MINUTE
)
WHERE place = 1;

CREATE OR REPLACE VIEW "trailflow_sealed_files" AS
SELECT 's3://example-lake/trailflow/' || path AS path FROM trailflow_seals CROSS JOIN UNNEST(files) AS f (path);

CREATE OR REPLACE VIEW "trailflow_replaced" AS
SELECT day || ' ' || batch AS batch FROM trailflow_seals CROSS JOIN UNNEST(batches) AS b (batch);

CREATE OR REPLACE VIEW "trailflow_unsealed" AS
SELECT 's3://example-lake/trailflow/' || path AS path FROM trailflow_seals CROSS JOIN UNNEST(unsealed) AS u (path);

CREATE EXTERNAL TABLE IF NOT EXISTS `flow_logs_published` (
    `version` int,
    `account_id` string,
    `interface_id` string,
    `src` string,
    `dst` string,
    `pkt_src` string,
    `pkt_dst` string,
    `srcport` int,
    `dstport` int,
    `protocol` int,
    `packets` bigint,
    `bytes` bigint,
    `ts_start` timestamp,
    `ts_end` timestamp,
    `action` string,
    `log_status` string,
    `vpc_id` string,
    `subnet_id` string,
    `instance_id` string,
    `tcp_flags` int,
    `type` string,
    `region` string,
    `az_id` string,
    `sublocation_type` string,
    `sublocation_id` string,
    `src_service` string,
    `dst_service` string,
    `flow_direction` string,
    `traffic_path` int,
    `ecs_cluster_arn` string,
    `ecs_cluster_name` string,
    `ecs_container_instance_arn` string,
    `ecs_container_instance_id` string,
    `ecs_container_id` string,
    `ecs_second_container_id` string,
    `ecs_service_name` string,
    `ecs_task_definition_arn` string,
    `ecs_task_arn` string,
    `ecs_task_id` string,
    `reject_reason` string,
    `resource_id` string,
    `encryption_status` int,
    `instance_tag` string,
    `instance_tag_2` string,
    `interface_tag` string,
    `interface_tag_2` string,
    `asg_tag` string,
    `asg_tag_2` string,
    `interface_type` string,
    `next_hop_interface_id` string,
    `next_hop_subnet_id` string,
    `next_hop_az_id` string,
    `next_hop_vpc_id` string,
    `next_hop_interface_type` string,
    `src_internal` boolean,
    `dst_internal` boolean,
    `reject_class` string,
    `extra` map<string,string>,
    `src_bucket` string,
    `src_key` string,
    `line_no` bigint
)
PARTITIONED BY (`event_date` string, `event_hour` string)
STORED AS PARQUET
LOCATION 's3://example-lake/trailflow/flow_logs/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.event_date.type' = 'date',
    'projection.event_date.format' = 'yyyy-MM-dd',
    'projection.event_date.range' = '2020-01-01,NOW+1DAY',
    'projection.event_date.interval' = '1',
    'projection.event_date.interval.unit' = 'DAYS',
    'projection.event_hour.type' = 'integer',
    'projection.event_hour.range' = '0,23',
    'projection.event_hour.digits' = '2',
    'storage.location.template' = 's3://example-lake/trailflow/flow_logs/event_date=${event_date}/event_hour=${event_hour}'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `flow_logs_sealed` (
    `version` int,
    `account_id` string,
    `interface_id` string,
    `src` string,
    `dst` string,
    `pkt_src` string,
    `pkt_dst` string,
    `srcport` int,
    `dstport` int,
    `protocol` int,
    `packets` bigint,
    `bytes` bigint,
    `ts_start` timestamp,
    `ts_end` timestamp,
    `action` string,
    `log_status` string,
    `vpc_id` string,
    `subnet_id` string,
    `instance_id` string,
    `tcp_flags` int,
    `type` string,
    `region` string,
    `az_id` string,
    `sublocation_type` string,
    `sublocation_id` string,
    `src_service` string,
    `dst_service` string,
    `flow_direction` string,
    `traffic_path` int,
    `ecs_cluster_arn` string,
    `ecs_cluster_name` string,
    `ecs_container_instance_arn` string,
    `ecs_container_instance_id` string,
    `ecs_container_id` string,
    `ecs_second_container_id` string,
    `ecs_service_name` string,
    `ecs_task_definition_arn` string,
    `ecs_task_arn` string,
    `ecs_task_id` string,
    `reject_reason` string,
    `resource_id` string,
    `encryption_status` int,
    `instance_tag` string,
    `instance_tag_2` string,
    `interface_tag` string,
    `interface_tag_2` string,
    `asg_tag` string,
    `asg_tag_2` string,
    `interface_type` string,
    `next_hop_interface_id` string,
    `next_hop_subnet_id` string,
    `next_hop_az_id` string,
    `next_hop_vpc_id` string,
    `next_hop_interface_type` string,
    `src_internal` boolean,
    `dst_internal` boolean,
    `reject_class` string,
    `extra` map<string,string>,
    `src_bucket` string,
    `src_key` string,
    `line_no` bigint
)
PARTITIONED BY (`event_date` string, `event_hour` string)
STORED AS PARQUET
LOCATION 's3://example-lake/trailflow/sealed/flow_logs/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.event_date.type' = 'date',
    'projection.event_date.format' = 'yyyy-MM-dd',
    'projection.event_date.range' = '2020-01-01,NOW+1DAY',
    'projection.event_date.interval' = '1',
    'projection.event_date.interval.unit' = 'DAYS',
    'projection.event_hour.type' = 'integer',
    'projection.event_hour.range' = '0,23',
    'projection.event_hour.digits' = '2',
    'storage.location.template' = 's3://example-lake/trailflow/sealed/flow_logs/event_date=${event_date}/event_hour=${event_hour}'
);

CREATE OR REPLACE VIEW "flow_logs" AS
SELECT "version", "account_id", "interface_id", "src", "dst", "pkt_src", "pkt_dst", "srcport", "dstport", "protocol", "packets", "bytes", "ts_start", "ts_end", "action", "log_status", "vpc_id", "subnet_id", "instance_id", "tcp_flags", "type", "region", "az_id", "sublocation_type", "sublocation_id", "src_service", "dst_service", "flow_direction", "traffic_path", "ecs_cluster_arn", "ecs_cluster_name", "ecs_container_instance_arn", "ecs_container_instance_id", "ecs_container_id", "ecs_second_container_id", "ecs_service_name", "ecs_task_definition_arn", "ecs_task_arn", "ecs_task_id", "reject_reason", "resource_id", "encryption_status", "instance_tag", "instance_tag_2", "interface_tag", "interface_tag_2", "asg_tag", "asg_tag_2", "interface_type", "next_hop_interface_id", "next_hop_subnet_id", "next_hop_az_id", "next_hop_vpc_id", "next_hop_interface_type", "src_internal", "dst_internal", "reject_class", "extra", "src_bucket", "src_key", "line_no", "event_date", "event_hour"
FROM "flow_logs_published"
WHERE "event_date" || ' ' || coalesce(regexp_extract("$path", '([^/]{36})(-[0-9]+)?[.]parquet$', 1), '') NOT IN (SELECT batch FROM trailflow_replaced)
    OR "$path" IN (SELECT path FROM trailflow_unsealed)
UNION ALL
SELECT "version", "account_id", "interface_id", "src", "dst", "pkt_src", "pkt_dst", "srcport", "dstport", "protocol", "packets", "bytes", "ts_start", "ts_end", "action", "log_status", "vpc_id", "subnet_id", "instance_id", "tcp_flags", "type", "region", "az_id", "sublocation_type", "sublocation_id", "src_service", "dst_service", "flow_direction", "traffic_path", "ecs_cluster_arn", "ecs_cluster_name", "ecs_container_instance_arn", "ecs_container_instance_id", "ecs_container_id", "ecs_second_container_id", "ecs_service_name", "ecs_task_definition_arn", "ecs_task_arn", "ecs_task_id", "reject_reason", "resource_id", "encryption_status", "instance_tag", "instance_tag_2", "interface_tag", "interface_tag_2", "asg_tag", "asg_tag_2", "interface_type", "next_hop_interface_id", "next_hop_subnet_id", "next_hop_az_id", "next_hop_vpc_id", "next_hop_interface_type", "src_internal", "dst_internal", "reject_class", "extra", "src_bucket", "src_key", "line_no", "event_date", "event_hour"
FROM "flow_logs_sealed"
WHERE "$path" IN (SELECT path FROM trailflow_sealed_files);

CREATE OR REPLACE VIEW "ingest_log" AS
SELECT "source", "bucket", "key", "version_id", "etag", "kind", "outcome", "reason", "rows", "suppressed", "rejected", "compressed_bytes", "inflated_bytes", "inflated_sha256", "event_time_min", "event_time_max", "written_at", "sent_at", "received_at", "committed_at", "generation", "batch", "ingest_date"
FROM "ingest_log_published"
WHERE "ingest_date" || ' ' || coalesce(regexp_extract("$path", '([^/]{36})(-[0-9]+)?[.]parquet$', 1), '') NOT IN (SELECT batch FROM trailflow_replaced)
    OR "$path" IN (SELECT path FROM trailflow_unsealed)
UNION ALL
SELECT "source", "bucket", "key", "version_id", "etag", "kind", "outcome", "reason", "rows", "suppressed", "rejected", "compressed_bytes", "inflated_bytes", "inflated_sha256", "event_time_min", "event_time_max", "written_at", "sent_at", "received_at", "committed_at", "generation", "batch", "ingest_date"
FROM "ingest_log_sealed"
WHERE "$path" IN (SELECT path FROM trailflow_sealed_files);

CREATE OR REPLACE VIEW "long_lived_keys_partial" AS
SELECT "window_start", "account_id", "user_name", "service", "access_key_id", "calls", "first_seen", "last_seen", "event_date"
FROM "long_lived_keys_partial_published"
WHERE "event_date" || ' ' || coalesce(regexp_extract("$path", '([^/]{36})(-[0-9]+)?[.]parquet$', 1), '') NOT IN (SELECT batch FROM trailflow_replaced)
    OR "$path" IN (SELECT path FROM trailflow_unsealed)
UNION ALL
SELECT "window_start", "account_id", "user_name", "service", "access_key_id", "calls", "first_seen", "last_seen", "event_date"
FROM "long_lived_keys_partial_sealed"
WHERE "$path" IN (SELECT path FROM trailflow_sealed_files);

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
