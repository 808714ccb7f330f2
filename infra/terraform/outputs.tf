output "environment" {
  description = "The three variables with which `trailflow run` needs no file."
  value = {
    TRAILFLOW_QUEUE_URL = aws_sqs_queue.notifications.url
    TRAILFLOW_BUCKETS   = join(",", keys(var.log_buckets))
    TRAILFLOW_LAKE      = trimsuffix("s3://${aws_s3_bucket.lake.id}/${var.lake_prefix}", "/")
  }
}

output "role_arn" {
  description = "The service's role: serviceAccount.roleArn of the chart with IRSA, taskRoleArn on ECS."
  value       = aws_iam_role.service.arn
}

output "compaction_role_arn" {
  description = "The role of `trailflow compact`, null without var.compaction: compaction.serviceAccount.roleArn of the chart with IRSA, taskRoleArn of the compaction's task on ECS."
  value       = one(aws_iam_role.compaction[*].arn)
}

output "queue_arn" {
  description = "The queue, for a bucket notification or a topic subscription that is managed elsewhere."
  value       = aws_sqs_queue.notifications.arn

  # Whoever points a bucket at the queue needs the policy to be there first.
  depends_on = [aws_sqs_queue_policy.notifications]
}

output "dead_letter_queue_url" {
  description = "Where given-up messages are, for 14 days from when they were first sent; EventBridge's, from when it gave them up."
  value       = aws_sqs_queue.dead_letters.url
}

output "dead_letter_queue_arn" {
  description = "The dead-letter queue, for moving its messages back: see \"Dead letters\" in infra/README.md."
  value       = aws_sqs_queue.dead_letters.arn
}
