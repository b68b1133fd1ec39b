import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"Backends","description":"","frontmatter":{},"headers":[],"relativePath":"backends.md","filePath":"backends.md"}');
const _sfc_main = { name: "backends.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="backends" tabindex="-1">Backends <a class="header-anchor" href="#backends" aria-label="Permalink to &quot;Backends&quot;">​</a></h1><p><code>--backend auto</code> (the default) takes the fastest backend that works, and says which and why; <code>--threads &lt;n&gt;</code> limits the processor&#39;s cores. Both stages run on every backend with the same losses: one test suite holds each to plain JavaScript&#39;s gradients, to finite differences, and to 1e-3 at the end of a tiny training.</p><table tabindex="0"><thead><tr><th><code>--backend</code></th><th>computes with</th><th>needs</th></tr></thead><tbody><tr><td><code>cuda</code></td><td>TensorFlow 2.21 on an NVIDIA GPU (Linux x64)</td><td>the driver; <code>graft setup --cuda</code> once (3.4 GB; no CUDA installation)</td></tr><tr><td><code>native</code></td><td>TensorFlow 2.21 on the processor (Linux, macOS arm64)</td><td>pip and a C++ compiler, once</td></tr><tr><td><code>webgpu</code></td><td>any GPU: Vulkan, Metal, Direct3D 12</td><td>a driver</td></tr><tr><td><code>wasm</code></td><td>WebAssembly SIMD with our kernels on all cores</td><td>nothing</td></tr><tr><td><code>cpu</code></td><td>plain JavaScript</td><td>nothing</td></tr></tbody></table><p><code>graft doctor</code> tries and measures each, and prints the command that adds what is missing.</p><p>Images per second, EfficientNet-Lite0 at 128 px, <code>pnpm --filter trainer run bench:backends</code>, medians of one run on 2 cores:</p><table tabindex="0"><thead><tr><th></th><th>training</th><th>forward</th></tr></thead><tbody><tr><td>Keras</td><td>178</td><td>626</td></tr><tr><td>onnxruntime</td><td>–</td><td>1,120</td></tr><tr><td>native</td><td>177 (0.99 ×)</td><td>753 (1.20 ×)</td></tr><tr><td>the CUDA library without a GPU</td><td>181</td><td>794</td></tr><tr><td>wasm</td><td>39 (543 × plain JavaScript)</td><td>351</td></tr><tr><td>cpu</td><td>0.07</td><td>5.2</td></tr><tr><td>webgpu on SwiftShader, no GPU</td><td>0.21</td><td>0.99</td></tr></tbody></table><h2 id="what-has-not-run" tabindex="-1">What has not run <a class="header-anchor" href="#what-has-not-run" aria-label="Permalink to &quot;What has not run&quot;">​</a></h2><p>No figure here is from a GPU. CUDA: the addon is built against TensorFlow&#39;s CUDA wheel, NVIDIA&#39;s libraries were downloaded by their hashes and load, and both stages run on the processor, but nothing has run on NVIDIA hardware. WebGPU ran only on SwiftShader, which emulates a GPU on the processor. The native backend was tested on Linux x64 alone, the WebAssembly kernels on x86-64 with and without VNNI, and not on ARM.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("backends.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const backends = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  backends as default
};
