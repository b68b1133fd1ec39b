/**
 * Every pretrained network by the name that the command line takes. `backbones/registry.ts` must describe
 * each of them, or it does not compile.
 */
export const backboneNames = [
  'efficientnetb0',
  'efficientnetb1',
  'efficientnetb2',
  'efficientnetb3',
  'efficientnetb4',
  'efficientnetb5',
  'efficientnetb6',
  'efficientnetb7',
  'efficientnet-lite0',
  'efficientnet-lite1',
  'efficientnet-lite2',
  'efficientnet-lite3',
  'efficientnet-lite4',
  'resnet50',
  'resnet101',
  'resnet152',
  'seresnet50',
  'senet154',
  'xception',
  'vgg16',
  'vgg19',
  'nasnetmobile',
  'nasnetlarge',
  'mobilenetv2',
  'alexnet',
  'lenet5',
] as const;

export type BackboneName = (typeof backboneNames)[number];
