#!/usr/bin/env bash
# Make a second instance that is as the first one is now, its data disks included, through an image.
#
#   examples/clone-environment.sh INSTANCE_ID NAME [INSTANCE_TYPE]
#
# Prints the new instance's id. The image stays, for more of them. CLI=aliyun runs it on the real
# service, or on snapcli through `snapcli shim`.
set -euo pipefail
shopt -s inherit_errexit

cli=${CLI:-snapcli}
region=${REGION_ID:-cn-hangzhou}
instance=${1:?which instance? Usage: clone-environment.sh INSTANCE_ID NAME}
name=${2:?what name? Usage: clone-environment.sh INSTANCE_ID NAME}

image=$($cli ecs CreateImage --RegionId "$region" --InstanceId "$instance" --ImageName "$name" \
  --cli-query ImageId | tr -d '"')
$cli ecs DescribeImages --RegionId "$region" --ImageId "$image" --Status Creating,Available \
  --waiter expr='Images.Image[0].Status' to=Available timeout=600 interval=2 >/dev/null
echo "$image is ready" >&2

type=${3:-$($cli ecs DescribeInstances --RegionId "$region" --InstanceIds "[\"$instance\"]" \
  --cli-query 'Instances.Instance[0].InstanceType' | tr -d '"')}
clone=$($cli ecs RunInstances --RegionId "$region" --ImageId "$image" --InstanceType "$type" \
  --InstanceName "$name" --cli-query 'InstanceIdSets.InstanceIdSet[0]' | tr -d '"')
$cli ecs DescribeInstances --RegionId "$region" --InstanceIds "[\"$clone\"]" \
  --waiter expr='Instances.Instance[0].Status' to=Running timeout=600 interval=2 >/dev/null
echo "$clone"
