#!/bin/sh
# Compiles, as cargo's RUSTC_WRAPPER, our crates and the parsers that they use so that libFuzzer
# sees which way an input takes through them. The rest stays as it is, and fast.
rustc=$1
shift
name=
previous=
for argument in "$@"; do
    [ "$previous" = --crate-name ] && name=$argument
    previous=$argument
done
case " $* " in
    *opt-level=3*) ;;
    # For a build script or a macro, which run without libFuzzer.
    *) exec "$rustc" "$@" ;;
esac
case $name in
    ringfence_carrier | ringfence_core | ringfence_shell | ringfence_fuzz | \
    authorizer | business | leads | start | status | stop | webhook | planted | \
    calamine | csv | csv_core | form_urlencoded | jsonwebtoken | multer | quick_xml | serde_json | zip)
        set -- "$@" -Cpasses=sancov-module \
            -Cllvm-args=-sanitizer-coverage-level=4 \
            -Cllvm-args=-sanitizer-coverage-inline-8bit-counters \
            -Cllvm-args=-sanitizer-coverage-pc-table \
            -Cllvm-args=-sanitizer-coverage-trace-compares
        ;;
esac
exec "$rustc" "$@"
