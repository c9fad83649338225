#!/usr/bin/env bash
# build_image_stage.sh FOLDER: builds what the image holds and lays it out under FOLDER as it lies there. The build stage of
# the Dockerfile runs it, and so can a host with Rust and a C compiler; afterwards FOLDER/usr/local/bin/tachograph runs on
# that host.
#
# CARGO_PROFILE is the profile of the build, `release` by default; `dev` is built much faster.
set -euo pipefail
folder=$(realpath -m "${1:?"usage: monitoring/build_image_stage.sh FOLDER"}")
cd "$(dirname "${BASH_SOURCE[0]}")/.."
profile=${CARGO_PROFILE:-release}

place=$folder/usr/local
# The libraries in it are replaced, so it must be ours: new, or laid out by an earlier run.
if [[ -e $folder/usr && ! -e $place/share/tachograph || $folder == / ]]; then
    echo "error: $folder has a usr/ that is not of this script: name a folder of its own" >&2
    exit 1
fi

cargo build --locked --profile "$profile" --bin tachograph
# The profile `dev` builds into the folder `debug`.
binary=${CARGO_TARGET_DIR:-target}/${profile/#dev/debug}/tachograph

rm -rf "$place/bin/tachograph" "$place/share/tachograph" "$place/share/doc/tachograph" "$folder/usr/lib"
mkdir -p "$place/share/tachograph/scenes" "$place/share/doc/tachograph" "$folder/usr/lib"
install -D --strip --mode 755 "$binary" "$place/bin/tachograph"
install --mode 644 scenes/*.tscn "$place/share/tachograph/scenes"
install --mode 644 LICENSE-APACHE LICENSE-MIT "$place/share/doc/tachograph"

# The image it runs in has the C library and nothing else. That one is never copied: it must be of one piece.
while read -r name path; do
    case $name in
    ld-linux* | libc.so.* | libm.so.*) ;;
    *) install --mode 755 "$path" "$folder/usr/lib/$name" ;;
    esac
done < <(ldd "$binary" | awk '$2 == "=>" { print $1, $3 }')

"$place/bin/tachograph" --version
du -ah "$place/bin" "$folder/usr/lib"
