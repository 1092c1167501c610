# Sourced by the scripts beside and below: installs what theirs pins into the target folder, once per change of the pins.
# A script in tests/NAME/ finds it in target/NAME/.

here=$(cd "$(dirname "${BASH_SOURCE[1]}")" && pwd)
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
target=${CARGO_TARGET_DIR:-$root/target}
installed=$target/$(basename "$here")
python=$installed/python/bin/python
mkdir -p "$installed"

# Python packages: install_python [NAME]. Those of requirements-NAME.txt have an environment of their own, python-NAME.
install_python() {
    local pins=$here/requirements${1:+-$1}.txt folder=$installed/python${1:+-$1}
    if ! cmp -s "$pins" "$folder/installed.txt"; then
        rm -rf "$folder"
        python3 -m venv "$folder"
        "$folder/bin/python" -m pip install --quiet --no-deps --requirement "$pins"
        "$folder/bin/python" -m pip check >&2
        cp "$pins" "$folder/installed.txt"
    fi
}

install_node() {
    cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$installed/"
    if ! cmp -s "$here/package-lock.json" "$installed/node_modules/installed.json"; then
        # --ignore-scripts: no package runs anything while it is installed.
        npm ci --prefix "$installed" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
        cp "$here/package-lock.json" "$installed/node_modules/installed.json"
    fi
}

# Debian's packages, where the programs that they bring are not there yet: install_debian PROGRAM=PACKAGE...
install_debian() {
    local pair missing=()
    for pair in "$@"; do
        PATH=$PATH:/usr/sbin command -v "${pair%%=*}" >/dev/null || missing+=("${pair#*=}")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    local as_root=()
    [[ $(id -u) == 0 ]] || as_root=(sudo --non-interactive)
    "${as_root[@]}" apt-get update --quiet=2 >&2
    "${as_root[@]}" apt-get install --quiet=2 --yes --no-install-recommends "${missing[@]}" >&2
}
