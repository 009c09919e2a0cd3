#!/usr/bin/env bash
# Builds both container images for amd64 and arm64 from dist/images, and writes them as OCI archives:
#
#   images.sh FOLDER VERSION REVISION CREATED SOURCE
#
# Each base is resolved to its digest, which the image names in a label. Needs buildah and skopeo, and for arm64 an emulator.
set -euo pipefail
folder=$1
version=$2
revision=$3
created=$4
source=$5
mkdir -p "$folder"
for file in Dockerfile Dockerfile.alpine; do
  name=hydra-clients${file#Dockerfile}
  name=${name/./-}
  base=$(sed -n 's/^ARG BASE=//p' "$file")
  digest=sha256:$(skopeo inspect --raw "docker://$base" | sha256sum | cut -d ' ' -f 1)
  buildah build --quiet --platform linux/amd64,linux/arm64 --manifest "$name" --file "$file" \
    --build-arg "BASE=$base@$digest" --timestamp "$(date --date "$created" +%s)" \
    --label "org.opencontainers.image.version=$version" \
    --label "org.opencontainers.image.revision=$revision" \
    --label "org.opencontainers.image.created=$created" \
    --label "org.opencontainers.image.source=$source" \
    --label "org.opencontainers.image.url=$source" \
    --label "org.opencontainers.image.base.name=$base" \
    --label "org.opencontainers.image.base.digest=$digest" .
  buildah manifest push --quiet --all "$name" "oci-archive:$folder/$name.tar"
done
