import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse(`{"title":"","description":"","frontmatter":{"layout":"home","hero":{"name":"Graft","text":"From a folder of photos to a classifier at the edge","tagline":"Two-stage transfer learning in TypeScript, 8-bit weights, and a Cloudflare Worker that answers GET /classify?url=…","actions":[{"theme":"brand","text":"Getting started","link":"/getting-started"},{"theme":"alt","text":"Your own photos","link":"/own-photos"}]},"features":[{"title":"No GPU, no Python","details":"Node and npm are enough. Training runs on TensorFlow's native library, any GPU through WebGPU, or WebAssembly."},{"title":"What is trained is what is served","details":"One plan of fused steps is trained, exported and executed; images are decoded and resized by the same code."},{"title":"Small and fast","details":"3.5 MB of weights, and kernels of our own that run a network 2.8 times as fast as stock tfjs-wasm."}]},"headers":[],"relativePath":"index.md","filePath":"index.md"}`);
const _sfc_main = { name: "index.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("index.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const index = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  index as default
};
