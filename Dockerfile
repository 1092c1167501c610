# The image: one static program, the certificate authorities that it trusts, and nothing else.
#
#   docker build --tag opmanager-mcp-server .
#
# Build arguments:
#   RUST_IMAGE             Debian with this project's Rust. A release names it by digest:
#                          --build-arg RUST_IMAGE=docker.io/library/rust:1.95-slim-bookworm@sha256:...
#   CARGO_AUDITABLE        version of the cargo plugin that writes the list of dependencies into the program
#
# tests/container/run builds the program with the command below and everything after `FROM scratch`, and tries the image.

ARG RUST_IMAGE=docker.io/library/rust:1.95-slim-bookworm

FROM ${RUST_IMAGE} AS build
ARG CARGO_AUDITABLE=0.7.7
# Scanners read that list: they need no other inventory of the image.
RUN cargo install --locked --version "${CARGO_AUDITABLE}" cargo-auditable
WORKDIR /source
COPY . .
# The C library is glibc, linked in. Since 2.34 the code that looks names up in /etc/hosts and over DNS is inside of it;
# only other sources, which an /etc/nsswitch.conf would have to name, are files that the image does not have. So names
# are resolved by the same code as outside of a container. The target is named because build scripts and macros, which
# are for the builder, cannot be static.
ENV RUSTFLAGS="-C target-feature=+crt-static"
RUN target="$(rustc --print host-tuple)" \
 && cargo auditable build --locked --release --package opmanager-mcp-server --no-default-features --target "$target" \
 && install -D -m 0555 "target/$target/release/opmanager-mcp-server" /image/opmanager-mcp-server \
 && install -D -m 0444 /etc/ssl/certs/ca-certificates.crt /image/etc/ssl/certs/ca-certificates.crt

FROM scratch
LABEL org.opencontainers.image.title="opmanager-mcp-server" \
      org.opencontainers.image.description="MCP server for ManageEngine OpManager that holds no credential" \
      org.opencontainers.image.licenses="MIT OR Apache-2.0" \
      io.modelcontextprotocol.server.name="io.github.example/opmanager-mcp-server"
COPY --from=build /image/ /
# A number, because there is no /etc/passwd to look a name up in.
USER 65532:65532
EXPOSE 3000
# Without a shell: the program asks itself.
HEALTHCHECK --interval=30s --timeout=5s --start-period=5s CMD ["/opmanager-mcp-server", "health"]
ENTRYPOINT ["/opmanager-mcp-server"]
# Arguments replace this line: `docker run -i opmanager-mcp-server --access read` speaks over standard input and output.
CMD ["http", "--listen", "0.0.0.0:3000"]
