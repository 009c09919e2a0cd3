# The program on a base of glibc and certificates: no shell, no package manager, not root.
# Needs the programs of `npm run build -- --all` (or of a release) in dist/images. Docker with BuildKit, buildah and podman
# set TARGETARCH themselves:
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t hydra-clients .
#
# Pin the base by its digest where images must be the same each time: `docker buildx imagetools inspect` shows it, and
# it follows the tag, as in base-nossl-debian13:nonroot@sha256:….
ARG BASE=gcr.io/distroless/base-nossl-debian13:nonroot

FROM ${BASE}
# Declared in the stage: before the first FROM, it would be empty in older versions of BuildKit.
ARG TARGETARCH
LABEL org.opencontainers.image.title="hydra-clients" \
      org.opencontainers.image.description="Manage OAuth 2.0 clients on an Ory Hydra server" \
      org.opencontainers.image.licenses="Apache-2.0"
COPY --chmod=0755 dist/images/${TARGETARCH}/hydra /usr/local/bin/hydra
COPY LICENSE THIRD-PARTY.md /usr/local/share/doc/hydra/
COPY dist/images/licenses/ /usr/local/share/doc/hydra/licenses/
# A new volume that is mounted here belongs to the same user.
COPY --chown=65532:65532 dist/images/rescue/ /rescue/
# They would act before the first line of the program (SECURITY.md), so none of a base image counts.
ENV BUN_BE_BUN= BUN_INSPECT= BUN_INSPECT_PRELOAD= BUN_OPTIONS= LD_PRELOAD=
# nonroot, by number, so that a cluster can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/hydra"]
