//! Temporary.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]
use candle_core::{D, DType as CD, Device as CDev, Module, ModuleT, Tensor};
use nongemm_candle::CandleBackend;
use nongemm_core::{
    dtype::DType,
    graph::{Graph, GraphBuilder, Init, Param, Value},
    measure::{Mode, Monotonic, Recorder},
    plugin::*,
    shape::TensorSpec,
    tensor::*,
};
use nongemm_operators as ops;
use std::time::Instant;

struct W;
fn values(n: usize, lo: f32, hi: f32, seed: u64) -> Vec<f32> {
    let mut r = nongemm_core::rng::Uniform::new(seed, "w");
    (0..n)
        .map(|_| lo + (hi - lo) * r.next_f64() as f32)
        .collect()
}
fn host(shape: &[usize], lo: f32, hi: f32) -> HostTensor {
    HostTensor::new(
        shape.to_vec(),
        HostData::F32(values(shape.iter().product(), lo, hi, 1)),
    )
    .unwrap()
}
fn t(shape: &[usize], lo: f32, hi: f32) -> Tensor {
    Tensor::from_vec(values(shape.iter().product(), lo, hi, 1), shape, &CDev::Cpu).unwrap()
}
impl WeightSource for W {
    fn describe(&self) -> String {
        String::new()
    }
    fn verify(&self, _: &Graph) -> anyhow::Result<()> {
        Ok(())
    }
    fn load(&self, p: &Param, s: &TensorSpec) -> anyhow::Result<HostTensor> {
        let (lo, hi) = if p.init.mean > 0.5 {
            (0.5, 1.5)
        } else {
            (-0.05, 0.05)
        };
        Ok(host(&s.shape.known().unwrap(), lo, hi))
    }
}
fn opts() -> PrepareOptions {
    PrepareOptions {
        device: Device::Cpu,
        dtype: DType::F32,
        threads: 2,
        settings: Settings::default(),
    }
}
fn compare(
    name: &str,
    g: Graph,
    inputs: Vec<HostTensor>,
    mut other: impl FnMut() -> Tensor,
    n: usize,
) {
    let mut s = CandleBackend.prepare(&g, &W, &opts()).unwrap();
    s.bind(&inputs).unwrap();
    let clock = Monotonic::new();
    let mut rec = Recorder::new(&clock, Mode::Off, 0);
    let mut ratios = vec![];
    let mut a = vec![];
    let mut b = vec![];
    for i in 0..n + 3 {
        let t0 = Instant::now();
        s.run(&mut rec).unwrap();
        let x = t0.elapsed().as_secs_f64();
        let t0 = Instant::now();
        let o = other();
        let y = t0.elapsed().as_secs_f64();
        if i == 0 {
            let mine = s.outputs().unwrap().remove(0).1.data().to_f64();
            let theirs = o.flatten_all().unwrap().to_vec1::<f32>().unwrap();
            let err = mine
                .iter()
                .zip(&theirs)
                .map(|(a, b)| (a - f64::from(*b)).abs() / a.abs().max(1.0))
                .fold(0f64, f64::max);
            println!("  max err {err:.2e}");
        }
        if i >= 3 {
            ratios.push(x / y);
            a.push(x);
            b.push(y);
        }
    }
    let med = |v: &mut Vec<f64>| {
        v.sort_by(f64::total_cmp);
        v[v.len() / 2]
    };
    println!(
        "{name}: nodes {} ours {:.3} ms candle {:.3} ms ratio {:.3}",
        s.steps().len(),
        med(&mut a) * 1e3,
        med(&mut b) * 1e3,
        med(&mut ratios)
    );
    let mut rec = Recorder::new(&clock, Mode::Timing, s.steps().len());
    let mut per: std::collections::BTreeMap<String, (f64, usize)> = Default::default();
    for _ in 0..5 {
        s.run(&mut rec).unwrap();
    }
    for e in rec.events() {
        let st = &s.steps()[e.step as usize];
        let x = per
            .entry(format!(
                "{} {:?}",
                st.op,
                st.inputs
                    .iter()
                    .map(|i| i.shape.to_string())
                    .collect::<Vec<_>>()
            ))
            .or_default();
        x.0 += (e.end - e.start) as f64 / 1e3;
        x.1 += 1;
    }
    let mut per: Vec<_> = per.into_iter().collect();
    per.sort_by(|a, b| b.1.0.total_cmp(&a.1.0));
    for (k, (us, c)) in per.iter().take(14) {
        println!("   {us:9.1} us x{c} {k}");
    }
}
fn p(g: &mut GraphBuilder, name: &str, shape: &[usize], mean: f32) -> Value {
    g.param(name, shape, Init::around(mean, 0.1)).unwrap()
}

fn bert(b: usize, s: usize, layers: usize) {
    let mut g = GraphBuilder::new(DType::F32);
    let x0 = g
        .input("x", TensorSpec::new(DType::F32, [b, s, 768]))
        .unwrap();
    let mask = g
        .input("m", TensorSpec::new(DType::F32, [b, 1, 1, s]))
        .unwrap();
    let mut x = x0;
    for l in 0..layers {
        x = g.scope(&format!("l{l}"), |g| {
            let lin = |g: &mut GraphBuilder, n: &str, x, i, o| {
                let w = p(g, &format!("{n}w"), &[o, i], 0.0);
                let bb = p(g, &format!("{n}b"), &[o], 0.0);
                ops::linear(g, x, w, Some(bb)).unwrap()
            };
            let heads = |g: &mut GraphBuilder, x| {
                let v = ops::view(g, x, &[b as i64, s as i64, 12, 64]).unwrap();
                ops::transpose(g, v, 1, 2).unwrap()
            };
            let q = lin(g, "q", x, 768, 768);
            let q = heads(g, q);
            let k = lin(g, "k", x, 768, 768);
            let k = heads(g, k);
            let v = lin(g, "v", x, 768, 768);
            let v = heads(g, v);
            let kt = ops::transpose(g, k, 2, 3).unwrap();
            let sc = ops::matmul(g, q, kt).unwrap();
            let sc = ops::mul_scalar(g, sc, 0.125).unwrap();
            let sc = ops::add(g, sc, mask).unwrap();
            let pr = ops::softmax(g, sc, -1).unwrap();
            let c = ops::matmul(g, pr, v).unwrap();
            let c = ops::transpose(g, c, 1, 2).unwrap();
            let c = ops::contiguous(g, c).unwrap();
            let c = ops::view(g, c, &[b as i64, s as i64, 768]).unwrap();
            let o = lin(g, "o", c, 768, 768);
            let r = ops::add(g, o, x).unwrap();
            let (w1, b1) = (p(g, "n1w", &[768], 1.0), p(g, "n1b", &[768], 0.0));
            let h = ops::layer_norm(g, r, &[768], w1, b1, 1e-12).unwrap();
            let i = lin(g, "i", h, 768, 3072);
            let i = ops::gelu(g, i).unwrap();
            let o = lin(g, "o2", i, 3072, 768);
            let r = ops::add(g, o, h).unwrap();
            let (w1, b1) = (p(g, "n2w", &[768], 1.0), p(g, "n2b", &[768], 0.0));
            ops::layer_norm(g, r, &[768], w1, b1, 1e-12).unwrap()
        });
    }
    g.output("x", x);
    let g = g.finish();
    let lin = |i: usize, o: usize| {
        candle_nn::Linear::new(t(&[o, i], -0.05, 0.05), Some(t(&[o], -0.05, 0.05)))
    };
    let ln = || candle_nn::LayerNorm::new(t(&[768], 0.5, 1.5), t(&[768], -0.05, 0.05), 1e-12);
    let mk = || {
        (0..layers)
            .map(|_| {
                (
                    lin(768, 768),
                    lin(768, 768),
                    lin(768, 768),
                    lin(768, 768),
                    ln(),
                    lin(768, 3072),
                    lin(3072, 768),
                    ln(),
                )
            })
            .collect::<Vec<_>>()
    };
    let (la, lb) = (mk(), mk());
    let xs = t(&[b, s, 768], -1.0, 1.0);
    let m = t(&[b, 1, 1, s], 0.0, 0.0);
    let heads = |x: &Tensor| {
        x.reshape((b, s, 12, 64))
            .unwrap()
            .transpose(1, 2)
            .unwrap()
            .contiguous()
            .unwrap()
    };
    for fast in [false, true] {
        let lw = if fast { &la } else { &lb };
        let inputs = vec![host(&[b, s, 768], -1.0, 1.0), host(&[b, 1, 1, s], 0.0, 0.0)];
        compare(
            &format!("bert b{b} s{s} softmax_last_dim={fast}"),
            g.clone(),
            inputs,
            || {
                let mut x = xs.clone();
                for (q, k, v, o, n1, i, o2, n2) in lw {
                    let qq = heads(&q.forward(&x).unwrap());
                    let kk = heads(&k.forward(&x).unwrap());
                    let vv = heads(&v.forward(&x).unwrap());
                    let sc = qq.matmul(&kk.t().unwrap()).unwrap();
                    let sc = (sc / 8f64).unwrap().broadcast_add(&m).unwrap();
                    let pr = if fast {
                        candle_nn::ops::softmax_last_dim(&sc).unwrap()
                    } else {
                        candle_nn::ops::softmax(&sc, D::Minus1).unwrap()
                    };
                    let c = pr
                        .matmul(&vv)
                        .unwrap()
                        .transpose(1, 2)
                        .unwrap()
                        .contiguous()
                        .unwrap()
                        .flatten_from(D::Minus2)
                        .unwrap();
                    let h = n1.forward(&(o.forward(&c).unwrap() + &x).unwrap()).unwrap();
                    let y = o2
                        .forward(&i.forward(&h).unwrap().gelu_erf().unwrap())
                        .unwrap();
                    x = n2.forward(&(y + h).unwrap()).unwrap();
                }
                x
            },
            15,
        );
    }
}

fn conv(b: usize) {
    // A ResNet stem and two bottlenecks.
    let mut g = GraphBuilder::new(DType::F32);
    let x = g
        .input("x", TensorSpec::new(DType::F32, [b, 3, 224, 224]))
        .unwrap();
    let mut n = 0;
    let mut cbr = |g: &mut GraphBuilder, x, i: usize, o: usize, k: usize, st: usize, relu: bool| {
        n += 1;
        let w = p(g, &format!("c{n}"), &[o, i, k, k], 0.0);
        let y = ops::conv2d(
            g,
            x,
            w,
            None,
            ops::Conv2d {
                stride: [st, st],
                padding: [k / 2, k / 2],
                dilation: [1, 1],
                groups: 1,
            },
        )
        .unwrap();
        let ps = [
            p(g, &format!("w{n}"), &[o], 1.0),
            p(g, &format!("b{n}"), &[o], 0.0),
            p(g, &format!("m{n}"), &[o], 0.0),
            p(g, &format!("v{n}"), &[o], 1.0),
        ];
        let y = ops::batch_norm(g, y, ps, 1e-5).unwrap();
        if relu { ops::relu_(g, y).unwrap() } else { y }
    };
    let mut y = cbr(&mut g, x, 3, 64, 7, 2, true);
    y = g
        .one(
            ops::MaxPool2d {
                kernel_size: [3, 3],
                stride: [2, 2],
                padding: [1, 1],
                dilation: [1, 1],
            },
            &[y],
        )
        .unwrap();
    let d = cbr(&mut g, y, 64, 256, 1, 1, false);
    for i in 0..2 {
        let a = cbr(&mut g, y, if i == 0 { 64 } else { 256 }, 64, 1, 1, true);
        let a = cbr(&mut g, a, 64, 64, 3, 1, true);
        let a = cbr(&mut g, a, 64, 256, 1, 1, false);
        let r = ops::add_(&mut g, a, if i == 0 { d } else { y }).unwrap();
        y = ops::relu_(&mut g, r).unwrap();
    }
    let y = g
        .one(
            ops::AdaptiveAvgPool2d {
                output_size: [1, 1],
            },
            &[y],
        )
        .unwrap();
    g.output("y", y);
    let g = g.finish();
    let mk = |i: usize, o: usize, k: usize, st: usize| {
        let c = candle_nn::Conv2d::new(
            t(&[o, i, k, k], -0.05, 0.05),
            None,
            candle_nn::Conv2dConfig {
                padding: k / 2,
                stride: st,
                ..Default::default()
            },
        );
        let bn = candle_nn::BatchNorm::new(
            o,
            t(&[o], -0.05, 0.05),
            t(&[o], 0.5, 1.5),
            t(&[o], 0.5, 1.5),
            t(&[o], -0.05, 0.05),
            1e-5,
        )
        .unwrap();
        (c, bn)
    };
    let stem = mk(3, 64, 7, 2);
    let down = mk(64, 256, 1, 1);
    let blocks: Vec<_> = (0..2)
        .map(|i| {
            (
                mk(if i == 0 { 64 } else { 256 }, 64, 1, 1),
                mk(64, 64, 3, 1),
                mk(64, 256, 1, 1),
            )
        })
        .collect();
    let xs = t(&[b, 3, 224, 224], -1.0, 1.0);
    let f = |x: &Tensor, (c, bn): &(candle_nn::Conv2d, candle_nn::BatchNorm)| {
        bn.forward_t(&c.forward(x).unwrap(), false).unwrap()
    };
    compare(
        &format!("resnet b{b}"),
        g,
        vec![host(&[b, 3, 224, 224], -1.0, 1.0)],
        || {
            let mut y = f(&xs, &stem)
                .relu()
                .unwrap()
                .pad_with_same(D::Minus1, 1, 1)
                .unwrap()
                .pad_with_same(D::Minus2, 1, 1)
                .unwrap()
                .max_pool2d_with_stride(3, 2)
                .unwrap();
            let d = f(&y, &down);
            for (i, (a, bb, c)) in blocks.iter().enumerate() {
                let z = f(&f(&f(&y, a).relu().unwrap(), bb).relu().unwrap(), c);
                y = (if i == 0 {
                    (&d + z).unwrap()
                } else {
                    (&y + z).unwrap()
                })
                .relu()
                .unwrap();
            }
            y.mean(D::Minus1).unwrap().mean(D::Minus1).unwrap()
        },
        15,
    );
}

fn pairwise(name: &str, a: &dyn Fn() -> Tensor, b: &dyn Fn() -> Tensor) {
    let mut r = vec![]; let mut x = vec![]; let mut y = vec![];
    for _ in 0..101 {
        let t0 = Instant::now(); std::hint::black_box(a()); let ta = t0.elapsed().as_secs_f64() * 1e6;
        let t0 = Instant::now(); std::hint::black_box(b()); let tb = t0.elapsed().as_secs_f64() * 1e6;
        r.push(ta / tb); x.push(ta); y.push(tb);
    }
    for v in [&mut r, &mut x, &mut y] { v.sort_by(f64::total_cmp); }
    println!("{name}: {:.0} / {:.0} us, ratio {:.3} [{:.3} {:.3}], min {:.0} / {:.0}", x[50], y[50], r[50], r[40], r[60], x[0], y[0]);
}
fn micro() {
    for (b, s) in [(1usize, 128usize), (1, 197), (1, 512)] {
        let q = t(&[b, s, 12, 64], -1.0, 1.0).transpose(1, 2).unwrap();
        let k = t(&[b, s, 12, 64], -1.0, 1.0).transpose(1, 2).unwrap();
        pairwise(&format!("qk s{s} view/copy"), &|| q.matmul(&k.t().unwrap()).unwrap(), &|| q.contiguous().unwrap().matmul(&k.contiguous().unwrap().t().unwrap()).unwrap());
        let pr = t(&[b, 12, s, s], 0.0, 1.0);
        pairwise(&format!("pv s{s} view/copy"), &|| pr.matmul(&k).unwrap(), &|| pr.matmul(&k.contiguous().unwrap()).unwrap());
    }
    let _ = CD::F32;
}
fn main() {
    println!("threads {}", candle_core::utils::get_num_threads());
    micro();
    bert(1, 128, 4);
    bert(1, 197, 4);
    conv(1);
}
