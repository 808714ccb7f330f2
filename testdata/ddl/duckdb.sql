-- The lake of trailflow at s3://example-lake/trailflow, for DuckDB 2.0 and later.
-- Made by `trailflow ddl`: make it again after an upgrade, or when signals come or go.
-- What `trailflow compact` sealed is read in place of what it replaced, 10 minutes after it was.
-- Times are TIMESTAMPTZ; `SET TimeZone = 'UTC'` shows them as trailflow does.
-- Before: INSTALL httpfs; INSTALL aws; CREATE SECRET lake (TYPE s3, PROVIDER credential_chain);

CREATE OR REPLACE VIEW "trailflow_seals" AS
SELECT "day", files, batches, unsealed
FROM (
    SELECT CAST(NULL AS VARCHAR) AS "day", CAST(NULL AS BIGINT) AS "generation", CAST(NULL AS TIMESTAMPTZ) AS "sealed_at", CAST(NULL AS STRUCT(path VARCHAR)[]) AS "files", CAST(NULL AS VARCHAR[]) AS "batches", CAST(NULL AS VARCHAR[]) AS "unsealed"
    WHERE false
    UNION ALL BY NAME
    SELECT * FROM read_json('s3://example-lake/trailflow/seals/*/*.json', format = 'newline_delimited', allow_empty = true, columns = {"day": 'VARCHAR', "generation": 'BIGINT', "sealed_at": 'TIMESTAMPTZ', "files": 'STRUCT(path VARCHAR)[]', "batches": 'VARCHAR[]', "unsealed": 'VARCHAR[]'})
)
WHERE sealed_at <= now() - INTERVAL 10 MINUTE
QUALIFY row_number() OVER (PARTITION BY "day" ORDER BY generation DESC) = 1;

CREATE OR REPLACE VIEW "trailflow_sealed_files" AS
SELECT 's3://example-lake/trailflow/' || f.path AS path FROM (SELECT unnest(files) AS f FROM trailflow_seals);

CREATE OR REPLACE VIEW "trailflow_replaced" AS
SELECT "day" || ' ' || batch AS batch FROM (SELECT "day", unnest(batches) AS batch FROM trailflow_seals);

CREATE OR REPLACE VIEW "trailflow_unsealed" AS
SELECT 's3://example-lake/trailflow/' || path AS path FROM (SELECT unnest(unsealed) AS path FROM trailflow_seals);

CREATE OR REPLACE VIEW "flow_logs" AS
SELECT "version", "account_id", "interface_id", "src", "dst", "pkt_src", "pkt_dst", "srcport", "dstport", "protocol", "packets", "bytes", "ts_start", "ts_end", "action", "log_status", "vpc_id", "subnet_id", "instance_id", "tcp_flags", "type", "region", "az_id", "sublocation_type", "sublocation_id", "src_service", "dst_service", "flow_direction", "traffic_path", "ecs_cluster_arn", "ecs_cluster_name", "ecs_container_instance_arn", "ecs_container_instance_id", "ecs_container_id", "ecs_second_container_id", "ecs_service_name", "ecs_task_definition_arn", "ecs_task_arn", "ecs_task_id", "reject_reason", "resource_id", "encryption_status", "instance_tag", "instance_tag_2", "interface_tag", "interface_tag_2", "asg_tag", "asg_tag_2", "interface_type", "next_hop_interface_id", "next_hop_subnet_id", "next_hop_az_id", "next_hop_vpc_id", "next_hop_interface_type", "src_internal", "dst_internal", "reject_class", "extra", "src_bucket", "src_key", "line_no", "event_date", "event_hour"
FROM (
    SELECT
        CAST(NULL AS INTEGER) AS "version",
        CAST(NULL AS VARCHAR) AS "account_id",
        CAST(NULL AS VARCHAR) AS "interface_id",
        CAST(NULL AS VARCHAR) AS "src",
        CAST(NULL AS VARCHAR) AS "dst",
        CAST(NULL AS VARCHAR) AS "pkt_src",
        CAST(NULL AS VARCHAR) AS "pkt_dst",
        CAST(NULL AS INTEGER) AS "srcport",
        CAST(NULL AS INTEGER) AS "dstport",
        CAST(NULL AS INTEGER) AS "protocol",
        CAST(NULL AS BIGINT) AS "packets",
        CAST(NULL AS BIGINT) AS "bytes",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "ts_start",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "ts_end",
        CAST(NULL AS VARCHAR) AS "action",
        CAST(NULL AS VARCHAR) AS "log_status",
        CAST(NULL AS VARCHAR) AS "vpc_id",
        CAST(NULL AS VARCHAR) AS "subnet_id",
        CAST(NULL AS VARCHAR) AS "instance_id",
        CAST(NULL AS INTEGER) AS "tcp_flags",
        CAST(NULL AS VARCHAR) AS "type",
        CAST(NULL AS VARCHAR) AS "region",
        CAST(NULL AS VARCHAR) AS "az_id",
        CAST(NULL AS VARCHAR) AS "sublocation_type",
        CAST(NULL AS VARCHAR) AS "sublocation_id",
        CAST(NULL AS VARCHAR) AS "src_service",
        CAST(NULL AS VARCHAR) AS "dst_service",
        CAST(NULL AS VARCHAR) AS "flow_direction",
        CAST(NULL AS INTEGER) AS "traffic_path",
        CAST(NULL AS VARCHAR) AS "ecs_cluster_arn",
        CAST(NULL AS VARCHAR) AS "ecs_cluster_name",
        CAST(NULL AS VARCHAR) AS "ecs_container_instance_arn",
        CAST(NULL AS VARCHAR) AS "ecs_container_instance_id",
        CAST(NULL AS VARCHAR) AS "ecs_container_id",
        CAST(NULL AS VARCHAR) AS "ecs_second_container_id",
        CAST(NULL AS VARCHAR) AS "ecs_service_name",
        CAST(NULL AS VARCHAR) AS "ecs_task_definition_arn",
        CAST(NULL AS VARCHAR) AS "ecs_task_arn",
        CAST(NULL AS VARCHAR) AS "ecs_task_id",
        CAST(NULL AS VARCHAR) AS "reject_reason",
        CAST(NULL AS VARCHAR) AS "resource_id",
        CAST(NULL AS INTEGER) AS "encryption_status",
        CAST(NULL AS VARCHAR) AS "instance_tag",
        CAST(NULL AS VARCHAR) AS "instance_tag_2",
        CAST(NULL AS VARCHAR) AS "interface_tag",
        CAST(NULL AS VARCHAR) AS "interface_tag_2",
        CAST(NULL AS VARCHAR) AS "asg_tag",
        CAST(NULL AS VARCHAR) AS "asg_tag_2",
        CAST(NULL AS VARCHAR) AS "interface_type",
        CAST(NULL AS VARCHAR) AS "next_hop_interface_id",
        CAST(NULL AS VARCHAR) AS "next_hop_subnet_id",
        CAST(NULL AS VARCHAR) AS "next_hop_az_id",
        CAST(NULL AS VARCHAR) AS "next_hop_vpc_id",
        CAST(NULL AS VARCHAR) AS "next_hop_interface_type",
        CAST(NULL AS BOOLEAN) AS "src_internal",
        CAST(NULL AS BOOLEAN) AS "dst_internal",
        CAST(NULL AS VARCHAR) AS "reject_class",
        CAST(NULL AS MAP(VARCHAR, VARCHAR)) AS "extra",
        CAST(NULL AS VARCHAR) AS "src_bucket",
        CAST(NULL AS VARCHAR) AS "src_key",
        CAST(NULL AS BIGINT) AS "line_no",
        CAST(NULL AS VARCHAR) AS "event_date",
        CAST(NULL AS VARCHAR) AS "event_hour",
        CAST(NULL AS VARCHAR) AS "filename"
    WHERE false
    UNION ALL BY NAME
    SELECT * FROM read_parquet(['s3://example-lake/trailflow/flow_logs/**/*.parquet', 's3://example-lake/trailflow/sealed/flow_logs/**/*.parquet'], union_by_name = true, allow_empty = true, hive_partitioning = true, hive_types_autocast = false, filename = true)
)
WHERE CASE WHEN suffix(filename, '.sealed.parquet') THEN filename IN (SELECT path FROM trailflow_sealed_files)
    ELSE "event_date" || ' ' || regexp_extract(filename, '([^/]{36})(-[0-9]+)?[.]parquet$', 1) NOT IN (SELECT batch FROM trailflow_replaced)
        OR filename IN (SELECT path FROM trailflow_unsealed) END;

CREATE OR REPLACE VIEW "ingest_log" AS
SELECT "source", "bucket", "key", "version_id", "etag", "kind", "outcome", "reason", "rows", "suppressed", "rejected", "compressed_bytes", "inflated_bytes", "inflated_sha256", "event_time_min", "event_time_max", "written_at", "sent_at", "received_at", "committed_at", "generation", "batch", "ingest_date"
FROM (
    SELECT
        CAST(NULL AS VARCHAR) AS "source",
        CAST(NULL AS VARCHAR) AS "bucket",
        CAST(NULL AS VARCHAR) AS "key",
        CAST(NULL AS VARCHAR) AS "version_id",
        CAST(NULL AS VARCHAR) AS "etag",
        CAST(NULL AS VARCHAR) AS "kind",
        CAST(NULL AS VARCHAR) AS "outcome",
        CAST(NULL AS VARCHAR) AS "reason",
        CAST(NULL AS BIGINT) AS "rows",
        CAST(NULL AS BIGINT) AS "suppressed",
        CAST(NULL AS BIGINT) AS "rejected",
        CAST(NULL AS BIGINT) AS "compressed_bytes",
        CAST(NULL AS BIGINT) AS "inflated_bytes",
        CAST(NULL AS VARCHAR) AS "inflated_sha256",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "event_time_min",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "event_time_max",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "written_at",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "sent_at",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "received_at",
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "committed_at",
        CAST(NULL AS BIGINT) AS "generation",
        CAST(NULL AS VARCHAR) AS "batch",
        CAST(NULL AS VARCHAR) AS "ingest_date",
        CAST(NULL AS VARCHAR) AS "filename"
    WHERE false
    UNION ALL BY NAME
    SELECT * FROM read_parquet(['s3://example-lake/trailflow/ingest_log/**/*.parquet', 's3://example-lake/trailflow/sealed/ingest_log/**/*.parquet'], union_by_name = true, allow_empty = true, hive_partitioning = true, hive_types_autocast = false, filename = true)
)
WHERE CASE WHEN suffix(filename, '.sealed.parquet') THEN filename IN (SELECT path FROM trailflow_sealed_files)
    ELSE "ingest_date" || ' ' || regexp_extract(filename, '([^/]{36})(-[0-9]+)?[.]parquet$', 1) NOT IN (SELECT batch FROM trailflow_replaced)
        OR filename IN (SELECT path FROM trailflow_unsealed) END;

CREATE OR REPLACE VIEW "long_lived_keys_partial" AS
SELECT "window_start", "account_id", "user_name", "service", "access_key_id", "calls", "first_seen", "last_seen", "event_date"
FROM (
    SELECT
        CAST(NULL AS TIMESTAMP WITH TIME ZONE) AS "window_start",
        CAST(NULL AS VARCHAR) AS "account_id",
        CAST(NULL AS VARCHAR) AS "user_name",
        CAST(NULL AS VARCHAR) AS "service",
        CAST(NULL AS VARCHAR) AS "access_key_id",
        CAST(NULL AS BIGINT) AS "calls",
        CAST(NULL AS BIGINT) AS "first_seen",
        CAST(NULL AS BIGINT) AS "last_seen",
        CAST(NULL AS VARCHAR) AS "event_date",
        CAST(NULL AS VARCHAR) AS "filename"
    WHERE false
    UNION ALL BY NAME
    SELECT * FROM read_parquet(['s3://example-lake/trailflow/rollups/long_lived_keys/**/*.parquet', 's3://example-lake/trailflow/sealed/rollups/long_lived_keys/**/*.parquet'], union_by_name = true, allow_empty = true, hive_partitioning = true, hive_types_autocast = false, filename = true)
)
WHERE CASE WHEN suffix(filename, '.sealed.parquet') THEN filename IN (SELECT path FROM trailflow_sealed_files)
    ELSE "event_date" || ' ' || regexp_extract(filename, '([^/]{36})(-[0-9]+)?[.]parquet$', 1) NOT IN (SELECT batch FROM trailflow_replaced)
        OR filename IN (SELECT path FROM trailflow_unsealed) END;

CREATE OR REPLACE VIEW "long_lived_keys" AS
SELECT
    p."window_start" AS "window_start",
    p."account_id" AS "account_id",
    p."user_name" AS "user_name",
    p."service" AS "service",
    p."access_key_id" AS "access_key_id",
    CAST(sum(p."calls") AS BIGINT) AS "calls",
    min(p."first_seen") AS "first_seen",
    max(p."last_seen") AS "last_seen",
    p."event_date" AS "event_date"
FROM "long_lived_keys_partial" AS p
GROUP BY p."window_start", p."account_id", p."user_name", p."service", p."access_key_id", p."event_date";
