// Each numbered constraint once.
// RUN: tintype-opt %s --split-input-file --verify-diagnostics

// pipeline_c1
// expected-error @below {{expected outputs for results 0 to 0, but result 0 is missing}}
halide.pipeline @k symbols [] {
  halide.func @f(%i) {
    %0 = arith.constant 1.0 : f32
    halide.yield %0 : f32
  }
  halide.output @f result 1 <4> blocks [0]
}

// -----
halide.pipeline @k symbols [] {
  halide.func @f(%i) {
    %0 = arith.constant 1.0 : f32
    halide.yield %0 : f32
  }
  // output_c1
  // expected-error @below {{expected 1 extents and blocks, but got 2 and 1}}
  halide.output @f result 0 <4, 4> blocks [0]
}

// -----
halide.pipeline @k symbols [] {
  // func_c2
  halide.func @f(%i) {
    // expected-error @below {{expected an input or a func, but there is no @x}}
    %0 = halide.load @x[%i] : f32
    halide.yield %0 : f32
  }
}

// -----
halide.pipeline @k symbols [] {
  halide.input @x <4, 4> : f32
  halide.func @f(%i) {
    // expected-error @below {{expected 2 indices into @x, but got 1}}
    %0 = halide.load @x[%i] : f32
    halide.yield %0 : f32
  }
}

// -----
halide.pipeline @k symbols [] {
  halide.func @f(%i) {
    // expected-error @below {{expected an earlier func, but @f is defined here}}
    %0 = halide.load @f[%i] : f32
    halide.yield %0 : f32
  }
}

// -----
halide.pipeline @k symbols [] {
  // update_c1
  // expected-error @below {{expected an earlier func, but there is no @g}}
  halide.update @g(%i) by (%r) in <4> {
    %0 = arith.constant 1.0 : f32
    halide.yield %0 : f32
  }
}

// -----
halide.pipeline @k symbols [] {
  halide.func @f(%i) {
    %0 = arith.constant 1.0 : f32
    halide.yield %0 : f32
  }
  // update_c2
  // expected-error @below {{expected 1 extents, but got 2}}
  halide.update @f(%i) by (%r) in <4, 5> {
    %0 = arith.constant 1.0 : f32
    halide.yield %0 : f32
  }
}

// -----
halide.pipeline @k symbols [] {
  halide.func @f(%i) {
    %0 = arith.constant 1.0 : f32
    halide.yield %0 : f32
  }
  // update_c3
  // expected-error @below {{expected to yield 'f32', but got 'i32'}}
  halide.update @f(%i) by (%r) in <4> {
    %0 = arith.constant 1 : i32
    halide.yield %0 : i32
  }
}

// -----
halide.pipeline @k symbols [] {
  halide.func @f(%i) {
    // index_c1
    // expected-error @below {{expected a map of 1 dims to one result}}
    %0 = halide.index (d0, d1) -> (d0 + d1) (%i)
    halide.yield %0 : i32
  }
}

// -----

// Which of the two is verified first is not said.
halide.pipeline @update_of_open_func symbols [] {
  // expected-error @below {{'halide.func' op expected a body that ends in halide.yield}}
  halide.func @sum(%i) {
    %0 = arith.constant 0.0 : f32
  }
  halide.update @sum(%i) by (%r) in <4> {
    %0 = halide.load @sum[%i] : f32
    halide.yield %0 : f32
  }
  halide.output @sum result 0 <4> blocks [4]
}
