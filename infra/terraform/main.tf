# In: log buckets that exist. Out: a queue that hears of their objects, a lake, and a role for the service.

data "aws_partition" "this" {}
data "aws_region" "this" {}
data "aws_caller_identity" "this" {}

locals {
  place = {
    partition  = data.aws_partition.this.partition
    dns_suffix = data.aws_partition.this.dns_suffix
    region     = data.aws_region.this.region
    account_id = data.aws_caller_identity.this.account_id
  }
}

################################################################################
# The queue
################################################################################

resource "aws_sqs_queue" "notifications" {
  name                       = var.name
  visibility_timeout_seconds = var.visibility_timeout_seconds
  message_retention_seconds  = var.message_retention_days * 86400
  receive_wait_time_seconds  = 20
  # SSE-SQS and not the aws/sqs KMS key: S3, SNS and EventBridge may not use that one.
  sqs_managed_sse_enabled = true
  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead_letters.arn
    maxReceiveCount     = var.max_receive_count
  })
  tags = var.tags
}

resource "aws_sqs_queue" "dead_letters" {
  name                      = "${var.name}-dead-letters"
  message_retention_seconds = 14 * 86400
  sqs_managed_sse_enabled   = true
  tags                      = var.tags
}

resource "aws_sqs_queue_redrive_allow_policy" "dead_letters" {
  queue_url = aws_sqs_queue.dead_letters.id
  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [local.queue_arn]
  })
}

resource "aws_sqs_queue_policy" "notifications" {
  queue_url = aws_sqs_queue.notifications.id
  policy    = local.queue_policy
}

resource "aws_sqs_queue_policy" "dead_letters" {
  count = var.notification_source == "eventbridge" ? 1 : 0

  queue_url = aws_sqs_queue.dead_letters.id
  policy    = local.dead_letters_policy
}

################################################################################
# How objects are announced
#
# S3 keeps ONE notification configuration a bucket, and writing it replaces all that was there: a log
# bucket is often shared, and a module that writes it silently cuts off whoever listened before. So the
# default is EventBridge: its rules only add, and the one thing the bucket needs is its EventBridge
# switch, which its owner turns on beside whatever else is configured. manage_bucket_notification = true
# hands the whole configuration to this module; use it only for buckets that nobody else listens to.
################################################################################

resource "aws_cloudwatch_event_rule" "object_created" {
  for_each = var.notification_source == "eventbridge" ? var.log_buckets : {}

  name        = local.rule_names[each.key]
  description = "Log objects created in ${each.key}, for ${var.name}."
  event_pattern = jsonencode({
    source      = ["aws.s3"]
    detail-type = ["Object Created"]
    detail = {
      bucket = { name = [each.key] }
      object = { key = [for prefix in each.value.prefixes : { prefix = prefix }] }
    }
  })
  tags = var.tags
}

resource "aws_cloudwatch_event_target" "queue" {
  for_each = aws_cloudwatch_event_rule.object_created

  rule = each.value.name
  arn  = aws_sqs_queue.notifications.arn

  # What EventBridge may not send it gives up at once, and what it cannot send after a day. It is dropped then,
  # unless there is a queue for it: this one and none of its own, because it has an alarm, and because SQS moves
  # messages back only out of the dead-letter queue of another queue. What EventBridge puts there is the event
  # as the queue would have got it, so the service reads it once it is moved.
  dead_letter_config {
    arn = aws_sqs_queue.dead_letters.arn
  }

  # What it may not put there either is dropped.
  depends_on = [aws_sqs_queue_policy.notifications, aws_sqs_queue_policy.dead_letters]
}

resource "aws_sns_topic_subscription" "queue" {
  for_each = toset(var.sns_topic_arns)

  topic_arn            = each.value
  protocol             = "sqs"
  endpoint             = aws_sqs_queue.notifications.arn
  raw_message_delivery = true

  depends_on = [aws_sqs_queue_policy.notifications]
}

resource "aws_s3_bucket_notification" "logs" {
  for_each = var.manage_bucket_notification ? var.log_buckets : {}

  bucket      = each.key
  eventbridge = var.notification_source == "eventbridge"

  dynamic "queue" {
    for_each = var.notification_source == "s3" ? each.value.prefixes : []
    content {
      queue_arn     = aws_sqs_queue.notifications.arn
      events        = ["s3:ObjectCreated:*"]
      filter_prefix = queue.value
    }
  }

  # S3 tries the destination when the configuration is written.
  depends_on = [aws_sqs_queue_policy.notifications]
}

################################################################################
# The lake
################################################################################

resource "aws_s3_bucket" "lake" {
  bucket = var.lake_bucket_name
  tags   = var.tags
}

resource "aws_s3_bucket_public_access_block" "lake" {
  bucket                  = aws_s3_bucket.lake.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_policy" "lake" {
  bucket = aws_s3_bucket.lake.id
  policy = local.lake_bucket_policy

  depends_on = [aws_s3_bucket_public_access_block.lake]
}

resource "aws_s3_bucket_server_side_encryption_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm     = var.lake_kms_key_arn == null ? "AES256" : "aws:kms"
      kms_master_key_id = var.lake_kms_key_arn
    }
    # One call to KMS for many objects instead of one for each.
    bucket_key_enabled = var.lake_kms_key_arn != null
  }
}

resource "aws_s3_bucket_versioning" "lake" {
  bucket = aws_s3_bucket.lake.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "lake" {
  bucket = aws_s3_bucket.lake.id

  dynamic "rule" {
    for_each = local.lake_expiry_days
    content {
      id     = rule.key
      status = "Enabled"
      filter {
        prefix = "${local.lake_root}_trailflow/${rule.key}/"
      }
      expiration {
        days = rule.value
      }
      # Versioning would keep every staged file that was published and deleted.
      noncurrent_version_expiration {
        noncurrent_days = 1
      }
    }
  }

  # Of every prefix: uploads of sealed files, whose process died, too.
  rule {
    id     = "leftovers"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
    expiration {
      expired_object_delete_marker = true
    }
    # Time to notice a deletion that was a mistake. What compaction replaced is kept for as long once more.
    noncurrent_version_expiration {
      noncurrent_days = var.deleted_retention_days
    }
  }

  depends_on = [aws_s3_bucket_versioning.lake]
}

################################################################################
# The role
################################################################################

resource "aws_iam_role" "service" {
  name               = var.name
  description        = "trailflow: reads announced log objects, writes its lake."
  assume_role_policy = local.trust_policies["service"]
  tags               = var.tags
}

resource "aws_iam_role_policy" "service" {
  name   = "service"
  role   = aws_iam_role.service.id
  policy = local.permissions
}

resource "aws_eks_pod_identity_association" "service" {
  count = var.identity.kind == "pod_identity" ? 1 : 0

  cluster_name    = var.identity.cluster_name
  namespace       = var.identity.namespace
  service_account = var.identity.service_account
  role_arn        = aws_iam_role.service.arn
  tags            = var.tags
}

################################################################################
# The role of compaction
#
# One of its own, because it alone deletes rows: a service that is taken over can neither delete them nor make a seal
# that has them deleted.
################################################################################

resource "aws_iam_role" "compaction" {
  count = var.compaction == null ? 0 : 1

  name               = "${var.name}-compact"
  description        = "trailflow compact: merges the files of its lake, and deletes those that were merged."
  assume_role_policy = local.trust_policies["compaction"]
  tags               = var.tags
}

resource "aws_iam_role_policy" "compaction" {
  count = var.compaction == null ? 0 : 1

  name   = "compaction"
  role   = aws_iam_role.compaction[0].id
  policy = local.compaction_permissions
}

resource "aws_eks_pod_identity_association" "compaction" {
  count = try(var.compaction.kind, null) == "pod_identity" ? 1 : 0

  cluster_name    = var.compaction.cluster_name
  namespace       = var.compaction.namespace
  service_account = var.compaction.service_account
  role_arn        = aws_iam_role.compaction[0].arn
  tags            = var.tags
}

################################################################################
# Alarms
################################################################################

resource "aws_cloudwatch_metric_alarm" "dead_letters" {
  alarm_name          = "${var.name}-dead-letters"
  alarm_description   = "Messages were given up after ${var.max_receive_count} receives, or EventBridge could not send them. Their objects are not in the lake."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateNumberOfMessagesVisible"
  dimensions          = { QueueName = aws_sqs_queue.dead_letters.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "oldest_message" {
  alarm_name          = "${var.name}-oldest-message"
  alarm_description   = "The oldest message waits longer than ${var.alarm_age_seconds} s: the service is down or too slow."
  namespace           = "AWS/SQS"
  metric_name         = "ApproximateAgeOfOldestMessage"
  dimensions          = { QueueName = aws_sqs_queue.notifications.name }
  statistic           = "Maximum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = var.alarm_age_seconds
  period              = 300
  evaluation_periods  = 2
  treat_missing_data  = "notBreaching"
  alarm_actions       = var.alarm_actions
  ok_actions          = var.alarm_actions
  tags                = var.tags
}

resource "aws_cloudwatch_metric_alarm" "undelivered" {
  for_each = aws_cloudwatch_event_rule.object_created

  alarm_name        = "${each.value.name}-undelivered"
  alarm_description = "EventBridge gave up announcing objects of ${each.key}. The announcements are in the dead-letter queue; those that are not there are lost, and only a backfill reads their objects."
  # Failed for good: EventBridge does not count here what it tries again.
  namespace           = "AWS/Events"
  metric_name         = "FailedInvocations"
  dimensions          = { RuleName = each.value.name }
  statistic           = "Sum"
  comparison_operator = "GreaterThanThreshold"
  threshold           = 0
  period              = 300
  evaluation_periods  = 1
  # EventBridge sends no zeros.
  treat_missing_data = "notBreaching"
  alarm_actions      = var.alarm_actions
  ok_actions         = var.alarm_actions
  tags               = var.tags
}
