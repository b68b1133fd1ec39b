import { fileURLToPath } from 'node:url';
import type { BackboneName } from '../config/backbone-names.ts';
import type { RemoteFile } from './download.ts';

/** Weights for ImageNet's 1,000 classes: with the classifier, and without. */
interface OfficialWeights {
  readonly top: RemoteFile;
  readonly notop: RemoteFile;
}

const GOOGLE = 'https://storage.googleapis.com';
const KERAS = `${GOOGLE}/tensorflow/keras-applications`;
const ORDERING = 'weights_tf_dim_ordering_tf_kernels';

/**
 * The files that keras.applications loads, with the MD5 hashes that it publishes.
 *
 * @see https://github.com/keras-team/keras/tree/master/keras/src/applications
 */
export const officialWeights: Readonly<Partial<Record<BackboneName, OfficialWeights>>> = {
  efficientnetb0: efficientnet(
    'b0',
    '902e53a9f72be733fc0bcb005b3ebbac',
    '50bc09e76180e00e4465e1a485ddc09d',
  ),
  efficientnetb1: efficientnet(
    'b1',
    '1d254153d4ab51201f1646940f018540',
    '74c4e6b3e1f6a1eea24c589628592432',
  ),
  efficientnetb2: efficientnet(
    'b2',
    'b15cce36ff4dcbd00b6dd88e7857a6ad',
    '111f8e2ac8aa800a7a99e3239f7bfb39',
  ),
  efficientnetb3: efficientnet(
    'b3',
    'ffd1fdc53d0ce67064dc6a9c7960ede0',
    'af6d107764bb5b1abb91932881670226',
  ),
  efficientnetb4: efficientnet(
    'b4',
    '18c95ad55216b8f92d7e70b3a046e2fc',
    'ebc24e6d6c33eaebbd558eafbeedf1ba',
  ),
  efficientnetb5: efficientnet(
    'b5',
    'ace28f2a6363774853a83a0b21b9421a',
    '38879255a25d3c92d5e44e04ae6cec6f',
  ),
  efficientnetb6: efficientnet(
    'b6',
    '165f6e37dce68623721b423839de8be5',
    '9ecce42647a20130c1f39a5d4cb75743',
  ),
  efficientnetb7: efficientnet(
    'b7',
    '8c03f828fec3ef71311cd463b6759d99',
    'cbcfe4450ddf6f3ad90b1b398090fe4a',
  ),
  resnet50: resnet('50', '2cb95161c43110f7111970584f804107', '4d473c1dd8becc155b73f8504c6f6626'),
  resnet101: resnet('101', 'f1aeb4b969a6efcfb50fad2f0c20cfc5', '88cf7a10940856eca736dc7b7e228a21'),
  resnet152: resnet('152', '100835be76be38e30d865e96f2aaae62', 'ee4c566cf9a93f14d82f913c2dc6dd0c'),
  vgg16: keras(
    'vgg16',
    'vgg16',
    '64373286793e3c8b2b4e3219cbf3544b',
    '6d6bbae143d832006294945121d1f1fc',
  ),
  vgg19: keras(
    'vgg19',
    'vgg19',
    'cbe5617147190e668d6c5d5026f83318',
    '253f8cb515780f3b799900260a226db6',
  ),
  xception: keras(
    'xception',
    'xception',
    '0a58e3b7378bc2990ea3b43d5981f1f6',
    'b0042744bf5b25fce3cb969f33bebb97',
  ),
  nasnetmobile: nasnet(
    'mobile',
    '020fb642bf7360b370c678b08e0adf61',
    '1ed92395b5b598bdda52abe5c0dbfd63',
  ),
  nasnetlarge: nasnet(
    'large',
    '11577c9a518f0070763c2b964a382f17',
    'd81d89dc07e6e56530c4e77faddd61b5',
  ),
  mobilenetv2: {
    top: { url: `${KERAS}/mobilenet_v2/mobilenet_v2_${ORDERING}_1.0_224.h5`, md5: null },
    notop: { url: `${KERAS}/mobilenet_v2/mobilenet_v2_${ORDERING}_1.0_224_no_top.h5`, md5: null },
  },
};

/** Weights that come with this package: safetensors under Keras' names, with the classifier. */
export const bundledWeights: Readonly<Partial<Record<BackboneName, string>>> = {
  'efficientnet-lite0': fileURLToPath(
    new URL('../../weights/efficientnet-lite0-imagenet.safetensors', import.meta.url),
  ),
};

function efficientnet(name: string, top: string, notop: string): OfficialWeights {
  const url = `${GOOGLE}/keras-applications/efficientnet${name}`;
  return { top: { url: `${url}.h5`, md5: top }, notop: { url: `${url}_notop.h5`, md5: notop } };
}

function resnet(depth: string, top: string, notop: string): OfficialWeights {
  return keras('resnet', `resnet${depth}`, top, notop);
}

function keras(folder: string, name: string, top: string, notop: string): OfficialWeights {
  const url = `${KERAS}/${folder}/${name}_${ORDERING}`;
  return { top: { url: `${url}.h5`, md5: top }, notop: { url: `${url}_notop.h5`, md5: notop } };
}

function nasnet(size: string, top: string, notop: string): OfficialWeights {
  const url = `${KERAS}/nasnet/NASNet-${size}`;
  return { top: { url: `${url}.h5`, md5: top }, notop: { url: `${url}-no-top.h5`, md5: notop } };
}
