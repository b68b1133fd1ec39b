import type * as tf from '@tensorflow/tfjs';
import type { BackboneName } from '../config/backbone-names.ts';
import { alexnet } from './alexnet.ts';
import { type Architecture, type BuildOptions, buildArchitecture } from './architecture.ts';
import { efficientnet } from './efficientnet.ts';
import { lenet5 } from './lenet.ts';
import { mobilenetV2 } from './mobilenet-v2.ts';
import { nasnet } from './nasnet.ts';
import { type PreprocessMode, preprocessModes } from './preprocess-modes.ts';
import { resnet } from './resnet.ts';
import { senet } from './senet.ts';
import { vgg } from './vgg.ts';
import { xception } from './xception.ts';

/** An architecture, and what its pretraining determines. */
export interface Backbone {
  readonly title: string;
  readonly architecture: Architecture;
  /** Side of the pretraining's input, in pixels. */
  readonly size: number;
  /** The smallest side that the network accepts. */
  readonly minimumSize: number;
  readonly preprocess: PreprocessMode;
  /** Top-1 published for ImageNet's 50,000 validation images, 0–1; null where there is none. */
  readonly publishedTop1: number | null;
  /** Where the pretrained weights come from; null where none are published. */
  readonly pretraining: { readonly source: string; readonly licence: string } | null;
}

const keras = { source: 'keras-applications', licence: 'Apache-2.0' };
const lite = { source: 'tensorflow/tpu efficientnet/lite', licence: 'Apache-2.0' };
const oxford = { source: 'keras-applications, of VGG, University of Oxford', licence: 'CC-BY-4.0' };
const he = { source: 'keras-applications, of KaimingHe/deep-residual-networks', licence: 'MIT' };

const efficientnetMode = {
  minimumSize: 32,
  preprocess: preprocessModes.efficientnet,
  pretraining: keras,
};
const liteMode = { minimumSize: 32, preprocess: preprocessModes.lite, pretraining: lite };
const tfMode = { preprocess: preprocessModes.tf, pretraining: keras };
const caffeMode = { size: 224, minimumSize: 32, preprocess: preprocessModes.caffe };

// The published accuracies are those of keras.io/api/applications, or of the article named there.
/** Every network by the name that the command line takes. */
// biome-ignore format: a table, one network a line
export const backbones: Readonly<Record<BackboneName, Backbone>> = {
  efficientnetb0: { title: 'EfficientNet-B0', architecture: efficientnet({ width: 1, depth: 1, dropout: 0.2 }), size: 224, publishedTop1: 0.771, ...efficientnetMode },
  efficientnetb1: { title: 'EfficientNet-B1', architecture: efficientnet({ width: 1, depth: 1.1, dropout: 0.2 }), size: 240, publishedTop1: 0.791, ...efficientnetMode },
  efficientnetb2: { title: 'EfficientNet-B2', architecture: efficientnet({ width: 1.1, depth: 1.2, dropout: 0.3 }), size: 260, publishedTop1: 0.801, ...efficientnetMode },
  efficientnetb3: { title: 'EfficientNet-B3', architecture: efficientnet({ width: 1.2, depth: 1.4, dropout: 0.3 }), size: 300, publishedTop1: 0.816, ...efficientnetMode },
  efficientnetb4: { title: 'EfficientNet-B4', architecture: efficientnet({ width: 1.4, depth: 1.8, dropout: 0.4 }), size: 380, publishedTop1: 0.829, ...efficientnetMode },
  efficientnetb5: { title: 'EfficientNet-B5', architecture: efficientnet({ width: 1.6, depth: 2.2, dropout: 0.4 }), size: 456, publishedTop1: 0.836, ...efficientnetMode },
  efficientnetb6: { title: 'EfficientNet-B6', architecture: efficientnet({ width: 1.8, depth: 2.6, dropout: 0.5 }), size: 528, publishedTop1: 0.84, ...efficientnetMode },
  efficientnetb7: { title: 'EfficientNet-B7', architecture: efficientnet({ width: 2, depth: 3.1, dropout: 0.5 }), size: 600, publishedTop1: 0.843, ...efficientnetMode },
  'efficientnet-lite0': { title: 'EfficientNet-Lite0', architecture: efficientnet({ width: 1, depth: 1, dropout: 0.2, lite: true }), size: 224, publishedTop1: 0.751, ...liteMode },
  'efficientnet-lite1': { title: 'EfficientNet-Lite1', architecture: efficientnet({ width: 1, depth: 1.1, dropout: 0.2, lite: true }), size: 240, publishedTop1: 0.767, ...liteMode },
  'efficientnet-lite2': { title: 'EfficientNet-Lite2', architecture: efficientnet({ width: 1.1, depth: 1.2, dropout: 0.3, lite: true }), size: 260, publishedTop1: 0.776, ...liteMode },
  'efficientnet-lite3': { title: 'EfficientNet-Lite3', architecture: efficientnet({ width: 1.2, depth: 1.4, dropout: 0.3, lite: true }), size: 280, publishedTop1: 0.798, ...liteMode },
  'efficientnet-lite4': { title: 'EfficientNet-Lite4', architecture: efficientnet({ width: 1.4, depth: 1.8, dropout: 0.3, lite: true }), size: 300, publishedTop1: 0.815, ...liteMode },
  resnet50: { title: 'ResNet-50', architecture: resnet([3, 4, 6, 3]), publishedTop1: 0.749, pretraining: he, ...caffeMode },
  resnet101: { title: 'ResNet-101', architecture: resnet([3, 4, 23, 3]), publishedTop1: 0.764, pretraining: he, ...caffeMode },
  resnet152: { title: 'ResNet-152', architecture: resnet([3, 8, 36, 3]), publishedTop1: 0.766, pretraining: he, ...caffeMode },
  seresnet50: { title: 'SE-ResNet-50', architecture: senet({ blocks: [3, 4, 6, 3] }), publishedTop1: 0.776, pretraining: null, ...caffeMode },
  senet154: { title: 'SENet-154', architecture: senet({ blocks: [3, 8, 36, 3], deep: true }), publishedTop1: 0.813, pretraining: null, ...caffeMode },
  xception: { title: 'Xception', architecture: xception, size: 299, minimumSize: 71, publishedTop1: 0.79, ...tfMode },
  vgg16: { title: 'VGG-16', architecture: vgg([2, 2, 3, 3, 3]), publishedTop1: 0.713, pretraining: oxford, ...caffeMode },
  vgg19: { title: 'VGG-19', architecture: vgg([2, 2, 4, 4, 4]), publishedTop1: 0.713, pretraining: oxford, ...caffeMode },
  nasnetmobile: { title: 'NASNetMobile', architecture: nasnet({ stemFilters: 32, filters: 44, cells: 4, skipReduction: false }), size: 224, minimumSize: 32, publishedTop1: 0.744, ...tfMode },
  nasnetlarge: { title: 'NASNetLarge', architecture: nasnet({ stemFilters: 96, filters: 168, cells: 6, skipReduction: true }), size: 331, minimumSize: 32, publishedTop1: 0.825, ...tfMode },
  mobilenetv2: { title: 'MobileNetV2', architecture: mobilenetV2, size: 224, minimumSize: 32, publishedTop1: 0.713, ...tfMode },
  alexnet: { title: 'AlexNet', architecture: alexnet, publishedTop1: 0.593, pretraining: null, ...caffeMode, size: 227, minimumSize: 67 },
  lenet5: { title: 'LeNet-5', architecture: lenet5, size: 32, minimumSize: 32, publishedTop1: null, ...tfMode, pretraining: null },
};

/**
 * Builds a network by its name, as a tf.layers model with Keras' layers, names and order.
 *
 * @returns `[n, size, size, 3]` to probabilities `[n, classes]`, or without the top to features
 */
export function buildBackbone(
  name: BackboneName,
  options: Partial<BuildOptions> = {},
): tf.LayersModel {
  const { architecture, size } = backbones[name];
  return buildArchitecture(architecture, { size, ...options });
}
