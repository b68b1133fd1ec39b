//! PNG and GIF for src/images: decodes one image row by row, and takes of its file no more than its
//! rows need. After a change: `pnpm --filter shared build:decoders`, which says what it needs.

use png::{ColorType, Limits, Transformations};
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
    open(Png::open())
}

#[unsafe(export_name = "openGif")]
pub extern "C" fn open_gif() -> bool {
    open(Gif::open())
}

fn open<T: Rows + 'static>(rows: Option<T>) -> bool {
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
    /// For greys.
    rgba: Vec<u8>,
}

impl Png {
    fn open() -> Option<Png> {
        let file = BufReader::with_capacity(32 * 1024, File);
        let mut decoder = png::Decoder::new_with_limits(file, Limits { bytes: 8 << 20 });
        // RGBA or grey with alpha, 8 bits a sample: of 16 the lower 8 are left out.
        decoder.set_transformations(Transformations::normalize_to_color8() | Transformations::ALPHA);
        let reader = decoder.read_info().ok()?;
        let row = vec![0; reader.output_line_size(reader.info().width)?];
        Some(Png { reader, row, rgba: Vec::new() })
    }
}

impl Rows for Png {
    fn next(&mut self) -> Option<&[u8]> {
        self.reader.read_row(&mut self.row).ok()??;
        if self.reader.output_color_type().0 == ColorType::Rgba {
            return Some(&self.row);
        }
        self.rgba.clear();
        for grey in self.row.chunks_exact(2) {
            self.rgba.extend([grey[0], grey[0], grey[0], grey[1]]);
        }
        Some(&self.rgba)
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
