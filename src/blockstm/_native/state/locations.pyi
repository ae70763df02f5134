from blockstm._native.base.codec import Codec

LOCATIONS: Codec
LOCATION_VALUES: Codec
