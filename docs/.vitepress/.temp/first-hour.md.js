import { ssrRenderAttrs } from "vue/server-renderer";
import { useSSRContext } from "vue";
import { _ as _export_sfc } from "./plugin-vue_export-helper.1tPrXgE0.js";
const __pageData = JSON.parse('{"title":"The first hour","description":"","frontmatter":{},"headers":[],"relativePath":"first-hour.md","filePath":"first-hour.md"}');
const _sfc_main = { name: "first-hour.md" };
function _sfc_ssrRender(_ctx, _push, _parent, _attrs, $props, $setup, $data, $options) {
  _push(`<div${ssrRenderAttrs(_attrs)}><h1 id="the-first-hour" tabindex="-1">The first hour <a class="header-anchor" href="#the-first-hour" aria-label="Permalink to &quot;The first hour&quot;">​</a></h1><p>What a first hour looks like: Node 22.23.3, npm, an empty home folder with empty caches, no pnpm, two CPU cores, and 60 photos of three classes (20 each of CIFAR-10&#39;s airplanes, cats and ships). Nothing was set up before, and nothing was asked. Where <code>…</code> stands, lines like those beside it are left out; paths begin with <code>/home/me</code>.</p><p>The packages are not on npm yet: this ran from the packed packages, which a registry on the same machine served under their names. A test does the same on the pinned Node 24 and on Node 22. It was recorded with the recipe <code>fast</code>, on a machine that did other work at the same time; folders are trained by <code>photos</code> since, which solves stage 1 instead of training it for 1,000 epochs.</p><h2 id="_1-create-a-project" tabindex="-1">1. Create a project <a class="header-anchor" href="#_1-create-a-project" aria-label="Permalink to &quot;1. Create a project&quot;">​</a></h2><div class="language- vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang"></span><pre class="shiki shiki-themes github-light github-dark vp-code" tabindex="0"><code><span class="line"><span>$ npm create graftjs@latest my-classifier</span></span>
<span class="line"><span>Created my-classifier.</span></span>
<span class="line"><span>Installing with npm, which takes a minute or two.</span></span>
<span class="line"><span></span></span>
<span class="line"><span>added 278 packages in 1m</span></span>
<span class="line"><span>Next:</span></span>
<span class="line"><span>  cd my-classifier</span></span>
<span class="line"><span>  put your photos into photos/, a folder for each class: photos/cat/1.jpg, photos/dog/1.jpg, …</span></span>
<span class="line"><span>  npm run train</span></span>
<span class="line"><span>  npm run dev</span></span></code></pre></div><p>It took 82 seconds. On a terminal and without a name it asks two questions: what the classifier is called, and whether to install now.</p><h2 id="_2-photos-in" tabindex="-1">2. Photos in <a class="header-anchor" href="#_2-photos-in" aria-label="Permalink to &quot;2. Photos in&quot;">​</a></h2><div class="language- vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang"></span><pre class="shiki shiki-themes github-light github-dark vp-code" tabindex="0"><code><span class="line"><span>$ cd my-classifier &amp;&amp; cp -r ~/originals/* photos/</span></span>
<span class="line"><span>$ npx graft</span></span>
<span class="line"><span>There are photos of airplane, cat, ship in photos. Train on them:</span></span>
<span class="line"><span>  npx graft train</span></span>
<span class="line"><span></span></span>
<span class="line"><span>All commands: npx graft --help</span></span></code></pre></div><h2 id="_3-train" tabindex="-1">3. Train <a class="header-anchor" href="#_3-train" aria-label="Permalink to &quot;3. Train&quot;">​</a></h2><div class="language- vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang"></span><pre class="shiki shiki-themes github-light github-dark vp-code" tabindex="0"><code><span class="line"><span>$ npm run train</span></span>
<span class="line"><span>Training images: airplane 20, cat 20, ship 20.</span></span>
<span class="line"><span>photos: 49 images to train, 5 to choose the checkpoint, 6 to test.</span></span>
<span class="line"><span>Downloading tensorflow-cpu 2.21.0 (274 MB, once, to /home/me/.cache/graft) for the native backend.</span></span>
<span class="line"><span>  274 of 274 MB</span></span>
<span class="line"><span>Compiling the addon that binds TensorFlow to Node.</span></span>
<span class="line"><span>Backend: TensorFlow 2.21.0 on 2 cores.</span></span>
<span class="line"><span>Watch it in a browser: npx graft report --live</span></span>
<span class="line"><span>Stage 1, features of 60 images: 1 s.</span></span>
<span class="line"><span>Feature cache: 0.3 MB written; 0.3 MB in /home/me/.cache/graft/features.</span></span>
<span class="line"><span>Stage 1, epoch 1/1000: loss 1.6253, validation accuracy 40.00 %, 1 s elapsed</span></span>
<span class="line"><span>Stage 1, epoch 2/1000: loss 1.2605, validation accuracy 40.00 %, 1 s elapsed</span></span>
<span class="line"><span>…</span></span>
<span class="line"><span>Stage 1, epoch 1000/1000: loss 0.0008, validation accuracy 80.00 %, 1 min 56 s elapsed</span></span>
<span class="line"><span>After stage 1: 66.67 % of the test images right.</span></span>
<span class="line"><span>Stage 2, epoch 1/150: loss 0.0096, validation accuracy 100.00 %, 1 min 59 s elapsed</span></span>
<span class="line"><span>Stage 2, epoch 2/150: loss 0.0054, validation accuracy 80.00 %, 2 min 1 s elapsed</span></span>
<span class="line"><span>…</span></span>
<span class="line"><span>Stage 2, epoch 150/150: loss 0.0000, validation accuracy 100.00 %, 8 min 24 s elapsed</span></span>
<span class="line"><span>Test accuracy on 6 images: 100.00 % in float32, 100.00 % (95 % confidence interval 61 to 100 %) quantized (3.5 MB); trained in 8 min 25 s.</span></span>
<span class="line"><span>Model written to /home/me/my-classifier/public/models/my-classifier.</span></span>
<span class="line"><span>Report: /home/me/my-classifier/runs/2026-11-26T12-15-36-fast/report.html.</span></span>
<span class="line"><span>Next, try it in a browser: npx graft dev</span></span></code></pre></div><p>It took 9½ minutes while other programs used the two cores as well, 5 minutes of CPU time among them. TensorFlow is downloaded and bound once for a machine.</p><h2 id="_4-serve" tabindex="-1">4. Serve <a class="header-anchor" href="#_4-serve" aria-label="Permalink to &quot;4. Serve&quot;">​</a></h2><div class="language- vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang"></span><pre class="shiki shiki-themes github-light github-dark vp-code" tabindex="0"><code><span class="line"><span>$ npm run dev</span></span>
<span class="line"><span>[wrangler:info] Ready on http://localhost:8787</span></span></code></pre></div><p>The page is on <a href="http://localhost:8787" target="_blank" rel="noreferrer">http://localhost:8787</a>, and takes images that you drop on it.</p><h2 id="_5-ask" tabindex="-1">5. Ask <a class="header-anchor" href="#_5-ask" aria-label="Permalink to &quot;5. Ask&quot;">​</a></h2><div class="language- vp-adaptive-theme"><button title="Copy Code" class="copy"></button><span class="lang"></span><pre class="shiki shiki-themes github-light github-dark vp-code" tabindex="0"><code><span class="line"><span>$ curl -H &#39;content-type: image/jpeg&#39; --data-binary @another-cat.jpg http://localhost:8787/classify</span></span>
<span class="line"><span>{&quot;model&quot;:{&quot;id&quot;:&quot;my-classifier&quot;,&quot;version&quot;:&quot;23032279eade&quot;},&quot;image&quot;:{&quot;width&quot;:256,&quot;height&quot;:256,&quot;format&quot;:&quot;jpeg&quot;,&quot;bytes&quot;:6957},</span></span>
<span class="line"><span>&quot;predictions&quot;:[{&quot;label&quot;:&quot;cat&quot;,&quot;index&quot;:1,&quot;probability&quot;:0.9999992847442627},{&quot;label&quot;:&quot;airplane&quot;,&quot;index&quot;:0,&quot;probability&quot;:6.994507089075341e-7},</span></span>
<span class="line"><span>{&quot;label&quot;:&quot;ship&quot;,&quot;index&quot;:2,&quot;probability&quot;:1.799962956461343e-11}]}</span></span></code></pre></div><p>The photo is not one of those that it was trained on. <code>npm run deploy</code> puts the same on your Cloudflare account: see <a href="./deployment">Deployment and price</a>, and read <a href="./security">Security</a> first.</p></div>`);
}
const _sfc_setup = _sfc_main.setup;
_sfc_main.setup = (props, ctx) => {
  const ssrContext = useSSRContext();
  (ssrContext.modules || (ssrContext.modules = /* @__PURE__ */ new Set())).add("first-hour.md");
  return _sfc_setup ? _sfc_setup(props, ctx) : void 0;
};
const firstHour = /* @__PURE__ */ _export_sfc(_sfc_main, [["ssrRender", _sfc_ssrRender]]);
export {
  __pageData,
  firstHour as default
};
