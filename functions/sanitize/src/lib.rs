//! Masks patient data and recognises attacks
