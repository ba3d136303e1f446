module slipway.dev/toolchain/runc-without-seccomp

go 1.21
