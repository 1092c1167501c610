//! A gzip stream that is small and unpacks to a large JSON array of spaces.
//!
//! Owns just enough of DEFLATE for that: one block with the fixed code, and "the same byte 258 times".

/// `[`, spaces, `]`: `bytes` in all, at least 3.
pub(super) fn blank_array(bytes: usize) -> Vec<u8> {
    let spaces = bytes.max(3) - 2;
    let mut bits = Bits::default();
    bits.low_first(1, 1); // last block
    bits.low_first(1, 2); // fixed code
    bits.literal(b'[');
    bits.literal(b' ');
    for _ in 0..(spaces - 1) / 258 {
        bits.high_first(0b1100_0101, 8); // length 258
        bits.high_first(0, 5); // distance 1
    }
    for _ in 0..(spaces - 1) % 258 {
        bits.literal(b' ');
    }
    bits.literal(b']');
    bits.high_first(0, 7); // end of block
    bits.low_first(0, 7); // fill the last byte

    let table = crc_table();
    let step = |crc: u32, byte: u8| table[usize::from(crc as u8 ^ byte)] ^ (crc >> 8);
    let crc = (0..spaces).fold(step(u32::MAX, b'['), |crc, _| step(crc, b' '));
    let mut gzip = vec![0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    gzip.append(&mut bits.bytes);
    gzip.extend((!step(crc, b']')).to_le_bytes());
    gzip.extend(((spaces + 2) as u32).to_le_bytes());
    gzip
}

fn crc_table() -> [u32; 256] {
    std::array::from_fn(|byte| {
        (0..8).fold(byte as u32, |crc, _| {
            if crc & 1 == 1 {
                0xedb8_8320 ^ (crc >> 1)
            } else {
                crc >> 1
            }
        })
    })
}

#[derive(Default)]
struct Bits {
    bytes: Vec<u8>,
    pending: u32,
    count: u32,
}

impl Bits {
    fn low_first(&mut self, value: u32, count: u32) {
        self.pending |= value << self.count;
        self.count += count;
        while self.count >= 8 {
            self.bytes.push(self.pending as u8);
            self.pending >>= 8;
            self.count -= 8;
        }
    }

    /// Code words are sent with their highest bit first.
    fn high_first(&mut self, value: u32, count: u32) {
        self.low_first(value.reverse_bits() >> (32 - count), count);
    }

    /// The fixed code of the bytes below 144.
    fn literal(&mut self, byte: u8) {
        self.high_first(0x30 + u32::from(byte), 8);
    }
}
