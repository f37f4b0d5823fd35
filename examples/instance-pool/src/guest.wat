;; SPDX-License-Identifier: MIT OR Apache-2.0
;;
;; What is run: a service with a table of 4 MiB that takes a while to build.
;; All that it keeps is in its memory: the number of requests at byte 0, the
;; table from byte 65536 on.
(module
  (memory (export "memory") 65 128)

  (func $next (param $x i64) (result i64)
    (local.set $x (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 13))))
    (local.set $x (i64.xor (local.get $x) (i64.shr_u (local.get $x) (i64.const 7))))
    (i64.xor (local.get $x) (i64.shl (local.get $x) (i64.const 17))))

  ;; The address of the entry of the table that a number chooses.
  (func $entry (param $x i64) (result i32)
    (i32.add
      (i32.const 65536)
      (i32.shl (i32.and (i32.wrap_i64 (local.get $x)) (i32.const 0x7ffff)) (i32.const 3))))

  ;; Builds the table.
  (func (export "init")
    (local $at i32) (local $x i64)
    (local.set $at (i32.const 65536))
    (local.set $x (i64.const 0x9e3779b97f4a7c15))
    (loop $more
      (i64.store (local.get $at) (local.tee $x (call $next (local.get $x))))
      (local.set $at (i32.add (local.get $at) (i32.const 8)))
      (br_if $more (i32.lt_u (local.get $at) (i32.const 4259840)))))

  ;; Serves a request: looks at 64 entries and changes every eighth of them.
  ;; The answer depends on these and on all requests before.
  (func (export "handle") (param $x i64) (result i64)
    (local $left i32) (local $sum i64)
    (i64.store (i32.const 0) (i64.add (i64.load (i32.const 0)) (i64.const 1)))
    (local.set $sum (i64.load (i32.const 0)))
    (local.set $left (i32.const 64))
    (loop $more
      (local.set $x (call $next (local.get $x)))
      (local.set $sum
        (i64.add
          (i64.mul (local.get $sum) (i64.const 31))
          (i64.load (call $entry (local.get $x)))))
      (if (i32.eqz (i32.and (local.get $left) (i32.const 7)))
        (then (i64.store (call $entry (local.get $x)) (local.get $sum))))
      (local.set $left (i32.sub (local.get $left) (i32.const 1)))
      (br_if $more (local.get $left)))
    (local.get $sum))

  ;; Beyond the end of the memory: to see that it traps.
  (func (export "stray") (result i32)
    (i32.load (i32.const 0x7ffffff0)))

  (func (export "grow") (param $pages i32) (result i32)
    (memory.grow (local.get $pages))))
