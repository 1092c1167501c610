# Sourced by `run` and `openapi`: installs what they need into the target folder, once per change of the pins.

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
clients=$target/clients
python=$clients/python/bin/python
mkdir -p "$clients"

install_python() {
    if ! cmp -s "$here/requirements.txt" "$clients/python/installed.txt"; then
        rm -rf "$clients/python"
        python3 -m venv "$clients/python"
        "$python" -m pip install --quiet --no-deps --requirement "$here/requirements.txt"
        "$python" -m pip check >&2
        cp "$here/requirements.txt" "$clients/python/installed.txt"
    fi
}

install_node() {
    cp "$here/package.json" "$here/package-lock.json" "$clients/"
    if ! cmp -s "$here/package-lock.json" "$clients/node_modules/installed.json"; then
        # --ignore-scripts: no package runs anything while it is installed.
        npm ci --prefix "$clients" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
        cp "$here/package-lock.json" "$clients/node_modules/installed.json"
    fi
}
