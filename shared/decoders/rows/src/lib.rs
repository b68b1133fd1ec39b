//! PNG and GIF for src/images: decodes one image row by row, and takes of its file no more than its
//! rows need. After a change: `pnpm --filter shared build:decoders`, which says what it needs.

use png::{ColorType, Limits, Transformations};
use std::arch::wasm32::*;
use std::io::{self, BufReader, Read, Seek, SeekFrom};

#[link(wasm_import_module = "env")]
unsafe extern "C" {
    /// Writes the file's next bytes, at most `length`. Returns how many; 0 at its end.
    #[link_name = "read"]
    safe fn read_file(to: *mut u8, length: usize) -> usize;
}

struct File;

impl Read for File {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        Ok(read_file(to.as_mut_ptr(), to.len()))
    }
}

/// `png` asks for it, but never seeks.
impl Seek for File {
    fn seek(&mut self, _: SeekFrom) -> io::Result<u64> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

trait Rows {
    /// The next row's RGBA, in the order of the file; nothing where it ends or is damaged.
    fn next(&mut self) -> Option<&[u8]>;
}

static mut ROWS: Option<Box<dyn Rows>> = None;

/// Reads up to the first pixels. Returns whether there are any.
#[unsafe(export_name = "openPng")]
pub extern "C" fn open_png() -> bool {
    open(Png::open)
}

#[unsafe(export_name = "openGif")]
pub extern "C" fn open_gif() -> bool {
    open(Gif::open)
}

fn open<T: Rows + 'static>(start: fn() -> Option<T>) -> bool {
    // Its memory is free for the new image.
    unsafe { ROWS = None };
    let rows = start();
    let is_open = rows.is_some();
    unsafe { ROWS = rows.map(|rows| Box::new(rows) as Box<dyn Rows>) };
    is_open
}

/// Inflates a whole zlib stream of at most `max` bytes, which stay until the next call. Returns how
/// many came out; 0 where it is damaged or longer.
#[unsafe(export_name = "inflate")]
pub extern "C" fn inflate(max: usize) -> usize {
    let mut stream = Vec::new();
    let inflated = match File.read_to_end(&mut stream) {
        Ok(_) => fdeflate::decompress_to_vec_bounded(&stream, max).unwrap_or_default(),
        Err(_) => Vec::new(),
    };
    unsafe { (*&raw mut INFLATED).insert(inflated).len() }
}

static mut INFLATED: Option<Vec<u8>> = None;

/// Where the bytes are that were inflated.
#[unsafe(export_name = "inflated")]
pub extern "C" fn inflated() -> *const u8 {
    unsafe { (*&raw const INFLATED).as_ref().map_or(std::ptr::null(), |bytes| bytes.as_ptr()) }
}

/// Decodes the next row, which stays until the next call. Returns null where there is none.
#[unsafe(export_name = "nextRow")]
pub extern "C" fn next_row() -> *const u8 {
    let rows = unsafe { (*&raw mut ROWS).as_mut() };
    match rows.and_then(|rows| rows.next()) {
        Some(rgba) => rgba.as_ptr(),
        None => std::ptr::null(),
    }
}

struct Png {
    reader: png::Reader<BufReader<File>>,
    row: Vec<u8>,
    /// For all but RGBA.
    rgba: Vec<u8>,
}

impl Png {
    fn open() -> Option<Png> {
        let file = BufReader::with_capacity(32 * 1024, File);
        let mut decoder = png::Decoder::new_with_limits(file, Limits { bytes: 8 << 20 });
        // 8 bits a sample: of 16 the lower 8 are left out.
        decoder.set_transformations(Transformations::normalize_to_color8());
        let reader = decoder.read_info().ok()?;
        let width = reader.info().width;
        let row = vec![0; reader.output_line_size(width)?];
        Some(Png { reader, row, rgba: vec![255; width as usize * 4] })
    }
}

impl Rows for Png {
    fn next(&mut self) -> Option<&[u8]> {
        self.reader.read_row(&mut self.row).ok()??;
        let pixels = self.rgba.as_chunks_mut::<4>().0;
        match self.reader.output_color_type().0 {
            ColorType::Rgba => return Some(&self.row),
            ColorType::Rgb => write_opaque(&self.row, &mut self.rgba),
            ColorType::GrayscaleAlpha => {
                for (to, &[grey, alpha]) in pixels.iter_mut().zip(self.row.as_chunks::<2>().0) {
                    *to = [grey, grey, grey, alpha];
                }
            }
            // A palette has been looked up.
            ColorType::Grayscale | ColorType::Indexed => {
                for (to, &grey) in pixels.iter_mut().zip(&self.row) {
                    *to = [grey, grey, grey, 255];
                }
            }
        }
        Some(&self.rgba)
    }
}

/// `png` would do it pixel by pixel, with a call each, a quarter of the whole time.
fn write_opaque(rgb: &[u8], rgba: &mut [u8]) {
    let alpha = u32x4_splat(0xff00_0000);
    let mut done = 0;
    // Four pixels at a time, while sixteen bytes can be read.
    while done * 3 + 16 <= rgb.len() {
        let four = unsafe { v128_load(rgb[done * 3..][..16].as_ptr().cast()) };
        let spread = i8x16_shuffle::<0, 1, 2, 2, 3, 4, 5, 5, 6, 7, 8, 8, 9, 10, 11, 11>(four, four);
        unsafe { v128_store(rgba[done * 4..][..16].as_mut_ptr().cast(), v128_or(spread, alpha)) };
        done += 4;
    }
    let rest = rgba[done * 4..].as_chunks_mut::<4>().0;
    for (to, &[red, green, blue]) in rest.iter_mut().zip(rgb[done * 3..].as_chunks::<3>().0) {
        *to = [red, green, blue, 255];
    }
}

struct Gif {
    decoder: gif::Decoder<File>,
    /// RGBA of each index.
    colours: [[u8; 4]; 256],
    indices: Vec<u8>,
    row: Vec<u8>,
}

impl Gif {
    fn open() -> Option<Gif> {
        let mut decoder = gif::DecodeOptions::new().read_info(File).ok()?;
        let frame = decoder.next_frame_info().ok()??;
        let (width, transparent) = (frame.width as usize, frame.transparent);
        // An index that the table has not is black, as in browsers and Pillow.
        let mut colours = [[0, 0, 0, 255]; 256];
        for (colour, rgb) in colours.iter_mut().zip(decoder.palette().ok()?.chunks_exact(3)) {
            colour[..3].copy_from_slice(rgb);
        }
        if let Some(index) = transparent {
            colours[index as usize] = [0; 4];
        }
        Some(Gif { decoder, colours, indices: vec![0; width], row: vec![0; width * 4] })
    }
}

impl Rows for Gif {
    fn next(&mut self) -> Option<&[u8]> {
        self.decoder.fill_buffer(&mut self.indices).ok()?.then_some(())?;
        for (rgba, &index) in self.row.chunks_exact_mut(4).zip(&self.indices) {
            rgba.copy_from_slice(&self.colours[index as usize]);
        }
        Some(&self.row)
    }
}
