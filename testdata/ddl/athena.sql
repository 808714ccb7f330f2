-- The lake of trailflow at s3://example-lake/trailflow, for Amazon Athena (engine version 3).
-- Made by `trailflow ddl`: make it again after an upgrade, or when signals come or go.
-- Athena runs one statement at a time, in the database that is chosen. Times are UTC.
-- A table that is there already stays as it is: DROP TABLE it first, which leaves its files.
-- Partitions are projected: nothing has to be added when a day begins. Rows of days before 2020-01-01 are
-- not seen: write an earlier day where you have them, a later one where not. Ask with a condition on
-- event_date (a text, such as '2026-01-31'): without one every hour since that day is looked for.

CREATE EXTERNAL TABLE IF NOT EXISTS `ingest_log` (
    `source` string,
    `bucket` string,
    `key` string,
    `version_id` string,
    `etag` string,
    `kind` string,
    `outcome` string,
    `reason` string,
    `rows` bigint,
    `suppressed` bigint,
    `rejected` bigint,
    `compressed_bytes` bigint,
    `inflated_bytes` bigint,
    `inflated_sha256` string,
    `event_time_min` timestamp,
    `event_time_max` timestamp,
    `written_at` timestamp,
    `sent_at` timestamp,
    `received_at` timestamp,
    `committed_at` timestamp,
    `generation` bigint,
    `batch` string
)
PARTITIONED BY (`ingest_date` string)
STORED AS PARQUET
LOCATION 's3://example-lake/trailflow/ingest_log/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.ingest_date.type' = 'date',
    'projection.ingest_date.format' = 'yyyy-MM-dd',
    'projection.ingest_date.range' = '2020-01-01,NOW+1DAY',
    'projection.ingest_date.interval' = '1',
    'projection.ingest_date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://example-lake/trailflow/ingest_log/ingest_date=${ingest_date}'
);

CREATE EXTERNAL TABLE IF NOT EXISTS `flow_logs` (
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

CREATE EXTERNAL TABLE IF NOT EXISTS `long_lived_keys_partial` (
    `window_start` timestamp,
    `account_id` string,
    `user_name` string,
    `service` string,
    `access_key_id` string,
    `calls` bigint,
    `first_seen` bigint,
    `last_seen` bigint
)
PARTITIONED BY (`event_date` string)
STORED AS PARQUET
LOCATION 's3://example-lake/trailflow/rollups/long_lived_keys/'
TBLPROPERTIES (
    'projection.enabled' = 'true',
    'projection.event_date.type' = 'date',
    'projection.event_date.format' = 'yyyy-MM-dd',
    'projection.event_date.range' = '2020-01-01,NOW+1DAY',
    'projection.event_date.interval' = '1',
    'projection.event_date.interval.unit' = 'DAYS',
    'storage.location.template' = 's3://example-lake/trailflow/rollups/long_lived_keys/event_date=${event_date}'
);

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
