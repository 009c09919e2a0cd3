# The program on a base of glibc and certificates: no shell, no package manager, not root.
# Needs the programs of `npm run build -- --all` (or of a release) in dist/programs:
#
#   docker buildx build --platform linux/amd64,linux/arm64 -t hydra-clients .
#
# Pin the base by its digest where images must be the same each time: `docker buildx imagetools inspect` shows it, and
# it goes behind the tag, as in base-nossl-debian13:nonroot@sha256:….
ARG BASE=gcr.io/distroless/base-nossl-debian13:nonroot

FROM scratch AS program-amd64
COPY --chmod=0755 dist/programs/linux-x64/hydra /hydra

FROM scratch AS program-arm64
COPY --chmod=0755 dist/programs/linux-arm64/hydra /hydra

FROM program-${TARGETARCH} AS program

FROM ${BASE}
COPY --from=program /hydra /usr/local/bin/hydra
COPY LICENSE THIRD-PARTY.md /usr/local/share/doc/hydra/
COPY dist/programs/licenses/ /usr/local/share/doc/hydra/licenses/
# They would act before the first line of the program (SECURITY.md), so none of a base image counts.
ENV BUN_BE_BUN= BUN_INSPECT= BUN_INSPECT_PRELOAD= BUN_OPTIONS= LD_PRELOAD=
# nonroot, by number, so that a cluster can see that it is not root.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/hydra"]
