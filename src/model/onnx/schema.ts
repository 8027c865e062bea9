/** Field numbers of the messages of onnx.proto (ONNX 1.x, `onnx/onnx.proto3`) that the cutter reads or writes. */
export const MODEL = { opsetImport: 8, graph: 7 } as const
export const OPSET = { domain: 1, version: 2 } as const
export const GRAPH = { node: 1, initializer: 5, input: 11, output: 12, valueInfo: 13, sparseInitializer: 15 } as const
export const NODE = { input: 1, output: 2, name: 3, opType: 4, attribute: 5, domain: 7, metadata: 9 } as const
export const ATTRIBUTE = { name: 1, i: 3, graph: 6, ints: 8, graphs: 11, type: 20, typeInteger: 2 } as const
export const TENSOR = {
  dims: 1,
  dataType: 2,
  floatData: 4,
  name: 8,
  rawData: 9,
  doubleData: 10,
  externalData: 13,
  dataLocation: 14
} as const
export const VALUE_INFO = { name: 1, type: 2 } as const
export const TYPE = { tensor: 1 } as const
export const TENSOR_TYPE = { elementType: 1, shape: 2 } as const
export const SHAPE = { dimension: 1 } as const
export const DIMENSION = { value: 1 } as const
/** StringStringEntryProto, as in external_data and metadata_props. */
export const ENTRY = { key: 1, value: 2 } as const

/** TensorProto.DataLocation.EXTERNAL */
export const EXTERNAL = 1

/** TensorProto.DataType of what onnxruntime-node can pass between two sessions, by its name there. */
export const ELEMENT_TYPES: Readonly<Record<string, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13
}
