//! Stories that hold the whole of Ringfence to its promise.
